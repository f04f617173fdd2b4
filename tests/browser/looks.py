"""What scripts in the page and Chromium's accessibility tree say of it."""

from typing import Any, NamedTuple

CONTRAST = """
() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const parse = color => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  // WCAG 2.2: relative luminance and contrast ratio.
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const probe = document.body.appendChild(document.createElement("div"));
  probe.style.background = "Canvas";
  const canvas = parse(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const behind = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    return layers.reduce((under, layer) => over(layer, under), canvas);
  };
  const opacity = element => {
    let product = 1;
    for (let at = element; at; at = at.parentElement) product *= Number(getComputedStyle(at).opacity);
    return product;
  };
  const drawnBehind = element => {
    element.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
    const svg = element.closest("svg");
    svg.querySelectorAll("*").forEach(part => part.style.setProperty("pointer-events", "all", "important"));
    const box = element.getBoundingClientRect();
    const shapes = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
      .filter(part => part.closest("svg") === svg && /^(path|rect|circle)$/.test(part.tagName))
      .map(part => [getComputedStyle(part), part]).filter(([style]) => style.fill !== "none");
    return shapes.reverse().reduce((under, [style, part]) => {
      const [r, g, b, a] = parse(style.fill);
      return over([r, g, b, a * Number(style.fillOpacity) * opacity(part)], under);
    }, behind(svg));
  };
  const found = [], seen = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
    if (!text || seen.has(element) || element.closest("script, style, title, desc, noscript")) continue;
    seen.add(element);
    const box = element.getBoundingClientRect();
    if (!element.checkVisibility({visibilityProperty: true}) || box.width <= 1 || box.height <= 1) continue;
    // WCAG asks nothing of what is switched off.
    if (element.closest(".visually-hidden, [aria-disabled=true], :disabled")) continue;
    const drawn = element.closest("svg");
    const under = drawn ? drawnBehind(element) : behind(element);
    const style = getComputedStyle(element);
    const [r, g, b, a] = parse(drawn ? style.fill : style.color);
    const value = ratio(over([r, g, b, a * opacity(element)], under), under);
    found.push({text: text.slice(0, 40), where: element.tagName + "." + element.className, ratio: value});
  }
  return found;
}
"""


class Node(NamedTuple):
    """A node of the accessibility tree as a screen reader gets it; ``level`` is a heading's."""

    role: str
    name: str
    level: int | None


def tree(page: Any) -> list[Node]:
    """Return the nodes of a page's accessibility tree that are not ignored, in the order of reading."""
    session = page.context.new_cdp_session(page)
    every = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    by_id = {node["nodeId"]: node for node in every}
    nodes, waiting = [], [every[0]]
    while waiting:
        nodes.append(node := waiting.pop())
        waiting += [by_id[child] for child in reversed(node.get("childIds", ())) if child in by_id]
    return [
        Node(
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            next((item["value"]["value"] for item in node.get("properties", []) if item["name"] == "level"), None),
        )
        for node in nodes
        if not node["ignored"]
    ]
