"""The effects that a condition card may name."""

from asrfair.condition.channel import band_pass, g711, time_stretch
from asrfair.condition.effect import Effect
from asrfair.condition.noise import babble, pink_noise, recorded_noise, white_noise

EFFECTS: dict[str, Effect] = {
    "white_noise": Effect(white_noise),
    "pink_noise": Effect(pink_noise),
    "babble": Effect(babble, needs="talkers"),
    "recorded_noise": Effect(recorded_noise, needs="recording"),
    "band_pass": Effect(band_pass),
    "g711": Effect(g711),
    "time_stretch": Effect(time_stretch),
}
