"""The effects that a condition card may name."""

from asrfair.condition.amr import NARROW, WIDE, amr_nb, amr_nb_ready, amr_wb, amr_wb_ready
from asrfair.condition.bands import (
    band_pass,
    band_ready,
    high_pass,
    high_pass_ready,
    low_pass,
    low_pass_ready,
    lower_rate,
    resample_ready,
    resample_through,
)
from asrfair.condition.effect import Effect
from asrfair.condition.equipment import equipment_noise, equipment_ready, mains_hum
from asrfair.condition.g711 import TELEPHONE_HZ, g711
from asrfair.condition.g722 import WIDEBAND_HZ, g722, g722_ready
from asrfair.condition.g726 import g726, g726_ready
from asrfair.condition.gains import automatic_gain_control, clip, far_field_attenuation, gain, set_level, silence
from asrfair.condition.gsm import gsm
from asrfair.condition.handset import (
    bit_depth,
    device_response,
    distortion,
    distortion_rate,
    frequency_response,
    frequency_response_ready,
    holding_distance,
    over_full_scale,
    self_noise,
)
from asrfair.condition.masks import telephone_mask
from asrfair.condition.mp3 import mp3, mp3_rate, mp3_ready
from asrfair.condition.noise import brown_noise, pink_noise, speech_shaped_noise, white_noise
from asrfair.condition.opus import opus, opus_rate, opus_ready
from asrfair.condition.packets import at_full_scale, packet_loss_ready
from asrfair.condition.recorded import babble, recorded_noise
from asrfair.condition.room import measured_facts, measured_room, simulated_facts, simulated_ready, simulated_room
from asrfair.condition.tempo import time_stretch

EFFECTS: dict[str, Effect] = {
    "white_noise": Effect(white_noise, adds_noise=True),
    "pink_noise": Effect(pink_noise, adds_noise=True),
    "brown_noise": Effect(brown_noise, adds_noise=True),
    "speech_shaped_noise": Effect(speech_shaped_noise, needs="voices", adds_noise=True),
    "babble": Effect(babble, needs="talkers", adds_noise=True),
    "equipment_noise": Effect(equipment_noise, adds_noise=True, ready=equipment_ready),
    "mains_hum": Effect(mains_hum, adds_noise=True),
    "recorded_noise": Effect(recorded_noise, needs="recording", adds_noise=True),
    "silence": Effect(silence, removes_speech=True),
    "gain": Effect(gain, linear=True),
    "set_level": Effect(set_level),
    "clip": Effect(clip),
    "automatic_gain_control": Effect(automatic_gain_control),
    "far_field_attenuation": Effect(far_field_attenuation, linear=True),
    "holding_distance": Effect(holding_distance, linear=True),
    "telephone_mask": Effect(telephone_mask, linear=True),
    "device_response": Effect(device_response, needs="response", linear=True),
    "frequency_response": Effect(frequency_response, linear=True, ready=frequency_response_ready),
    "distortion": Effect(distortion, rate=distortion_rate),
    "self_noise": Effect(self_noise),
    "bit_depth": Effect(bit_depth, clipped=over_full_scale),
    "measured_room": Effect(measured_room, needs="response", linear=True, describe=measured_facts),
    "simulated_room": Effect(simulated_room, linear=True, ready=simulated_ready, describe=simulated_facts),
    "band_pass": Effect(band_pass, linear=True, ready=band_ready),
    "low_pass": Effect(low_pass, linear=True, ready=low_pass_ready),
    "high_pass": Effect(high_pass, linear=True, ready=high_pass_ready),
    "resample_through": Effect(resample_through, rate=lower_rate, ready=resample_ready),
    "g711": Effect(g711, rate=lambda parameters, working_hz: TELEPHONE_HZ, ready=packet_loss_ready),
    "g722": Effect(g722, rate=lambda parameters, working_hz: WIDEBAND_HZ, ready=g722_ready),
    "g726": Effect(g726, rate=lambda parameters, working_hz: TELEPHONE_HZ, ready=g726_ready),
    "gsm": Effect(
        gsm, rate=lambda parameters, working_hz: TELEPHONE_HZ, ready=packet_loss_ready, clipped=at_full_scale
    ),
    "amr_nb": Effect(
        amr_nb, rate=lambda parameters, working_hz: NARROW.sample_rate, ready=amr_nb_ready, clipped=at_full_scale
    ),
    "amr_wb": Effect(
        amr_wb, rate=lambda parameters, working_hz: WIDE.sample_rate, ready=amr_wb_ready, clipped=at_full_scale
    ),
    "opus": Effect(opus, rate=opus_rate, ready=opus_ready),
    "mp3": Effect(mp3, rate=mp3_rate, ready=mp3_ready),
    "time_stretch": Effect(time_stretch),
}
