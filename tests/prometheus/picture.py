"""Draws a dashboard for Grafana as SVG, from what a Prometheus answers to the queries of its panels."""

import math
from xml.sax.saxutils import escape

COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#17becf", "#8c564b", "#e377c2"]
CELL_WIDTH, CELL_HEIGHT, HEAD = 50, 26, 40
# So many series are named below a panel of the usual width.
NAMED = 5


def short(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def number(value, unit):
    """A value as people read it."""
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
            if abs(value) >= size:
                return f"{short(value / size)} {name}"
        return f"{value * 1e6:.3g} µs" if value else "0 s"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    return short(value) + (" /s" if unit == "ops" else "")


def legend(template, labels):
    for name, value in labels.items():
        template = template.replace("{{" + name + "}}", value)
    return template


def series_of(panel, ask):
    """The name and the points of each series of a panel."""
    found = []
    for target in panel["targets"]:
        for result in ask(target["expr"]):
            points = [(time, float(value)) for time, value in result["values"]]
            points = [point for point in points if math.isfinite(point[1])]
            if points:
                found.append((legend(target["legendFormat"], result["metric"]), points))
    return found


def thinned(points):
    """Without what lies on a horizontal line between its neighbours."""
    kept = points[:1]
    for before, point, after in zip(points, points[1:], points[2:]):
        if not before[1] == point[1] == after[1]:
            kept.append(point)
    return kept + points[1:][-1:]


def stacked(series):
    """Each series on top of those before it."""
    heights = {}
    for _, points in series:
        for index, (time, value) in enumerate(points):
            heights[time] = heights.get(time, 0) + value
            points[index] = (time, heights[time])


def draw_panel(panel, series, span):
    at = panel["gridPos"]
    left, top = at["x"] * CELL_WIDTH + 4, HEAD + at["y"] * CELL_HEIGHT + 4
    width, height = at["w"] * CELL_WIDTH - 8, at["h"] * CELL_HEIGHT - 8
    defaults = panel["fieldConfig"]["defaults"]
    unit = defaults["unit"]
    if defaults["custom"]["stacking"]["mode"] == "normal":
        stacked(series)
    out = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" class="panel"/>',
        f'<text x="{left + 8}" y="{top + 16}" class="title">{escape(panel["title"])}</text>',
    ]
    x0, x1, y0, y1 = left + 70, left + width - 10, top + 28, top + height - 48
    most = max((value for _, points in series for _, value in points), default=0) or 1
    for share in (0, 0.5, 1):
        y = y1 - share * (y1 - y0)
        out.append(f'<path d="M{x0} {y:.1f}H{x1}" class="grid"/>')
        text = number(most * share, unit)
        out.append(f'<text x="{x0 - 5}" y="{y + 3:.1f}" class="tick" text-anchor="end">{text}</text>')
    for share in (0, 0.5, 1):
        seconds = share * (span[1] - span[0])
        text = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
        anchor = "end" if share == 1 else "middle"
        x = x0 + share * (x1 - x0)
        out.append(f'<text x="{x:.1f}" y="{y1 + 13}" class="tick" text-anchor="{anchor}">{text}</text>')
    count = NAMED * at["w"] // 8
    # The largest are named, and what is zero all the time is not drawn if there are many.
    series.sort(key=lambda one: -max(value for _, value in one[1]))
    drawn = [one for one in series if any(value for _, value in one[1])] if len(series) > count else series
    for index, (_, points) in reversed(list(enumerate(drawn))):
        colour = COLOURS[index % len(COLOURS)]
        # A gap in the values is one in the line.
        parts, last = [], None
        for time, value in points:
            if last is None or time - last > 2.5:
                parts.append([])
            parts[-1].append((time, value))
            last = time
        path = ""
        for part in parts:
            places = [
                f"{x0 + (time - span[0]) / (span[1] - span[0]) * (x1 - x0):.1f} {y1 - value / most * (y1 - y0):.1f}"
                for time, value in thinned(part)
            ]
            path += "M" + "L".join(places) + ("" if len(places) > 1 else "h1")
        out.append(f'<path d="{path}" class="line" stroke="{colour}"/>')
    names = [name for name, _ in drawn[:count]]
    rest = len(series) - len(names)
    x, y = left + 8, y1 + 28
    for index, name in enumerate(names + ([f"and {rest} more"] if rest else [])):
        name = name if len(name) <= 44 else name[:43] + "…"
        size = 16 + 5.6 * len(name)
        if x + size > left + width and x > left + 8:
            x, y = left + 8, y + 12
        if y > top + height - 3:
            break
        if index < len(names):
            out.append(f'<path d="M{x:.1f} {y - 3}h8" class="line" stroke="{COLOURS[index % len(COLOURS)]}"/>')
        out.append(f'<text x="{x + 11:.1f}" y="{y}" class="tick">{escape(name)}</text>')
        x += size
    return "".join(out)


def draw(dashboard, ask, span, subtitle):
    """The whole dashboard. `ask` answers a query over the span of time with series."""
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    width, height = 24 * CELL_WIDTH, HEAD + bottom * CELL_HEIGHT + 8
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        "<style>.page{fill:#f4f5f5}.panel{fill:#fff;stroke:#d8d9da}.title{font-size:12px;font-weight:bold;fill:#24292e}"
        ".tick{font-size:9.5px;fill:#555}.grid{stroke:#eee;fill:none}.line{fill:none;stroke-width:1.4}"
        ".row{font-size:14px;fill:#24292e}</style>",
        f'<rect width="{width}" height="{height}" class="page"/>',
        f'<text x="8" y="18" class="row" font-weight="bold">{escape(dashboard["title"])}</text>',
        f'<text x="8" y="34" class="tick">{escape(subtitle)}</text>',
    ]
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            y = HEAD + panel["gridPos"]["y"] * CELL_HEIGHT + 19
            out.append(f'<text x="8" y="{y}" class="row">{escape(panel["title"])}</text>')
        else:
            out.append(draw_panel(panel, series_of(panel, ask), span))
    return "\n".join(out) + "\n</svg>\n"
