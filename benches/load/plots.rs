//! Draws what was found, as SVG.

use std::ops::Range;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::found::Found;
use crate::payload::Size;
use crate::rounds::curve;
use crate::servers::Kind;
use crate::soak::Look;

const SIZE: (u32, u32) = (900, 560);
const FONT: &str = "sans-serif";

/// A line of a plot.
struct Line {
    name: &'static str,
    color: RGBColor,
    points: Vec<(f64, f64)>,
    is_marked: bool,
}

/// The texts around the lines.
struct Frame<'f> {
    title: &'f str,
    x: (&'f str, &'f dyn Fn(&f64) -> String),
    /// At most so many.
    x_labels: usize,
    y: (&'f str, &'f dyn Fn(&f64) -> String),
}

/// Colours that people who see red and green alike tell apart.
fn color(kind: Kind) -> RGBColor {
    match kind {
        Kind::Null => RGBColor(128, 128, 128),
        Kind::Decode => RGBColor(0, 114, 178),
        Kind::Partywall => RGBColor(213, 94, 0),
    }
}

/// Draws what there is.
pub(crate) fn draw(found: &Found, folder: &Path) -> anyhow::Result<()> {
    latencies(found, folder)?;
    costs(found, folder)
}

fn latencies(found: &Found, folder: &Path) -> anyhow::Result<()> {
    let line = |kind: Kind| {
        let cell = found.cell("open", "50 % of its own", kind)?;
        // By nines, so that 90, 99 and 99.9 % are equally far apart. What fewer than ten answers say is left out.
        let furthest = (cell.tally.latencies.len() as f64 / 10.0).max(10.0).log10();
        let points = curve(&cell.tally.latencies).into_iter();
        let points = points.map(|(share, micros)| (-(1.0 - share).log10(), micros));
        let points = points.filter(|(nines, _)| *nines > 0.0 && *nines <= furthest).collect();
        Some(Line { name: kind.name(), color: color(kind), points, is_marked: false })
    };
    let lines: Vec<_> = Kind::ALL.into_iter().filter_map(line).collect();
    let Some((Range { end: nines, .. }, y)) = extent(&lines) else { return Ok(()) };
    let frame = Frame {
        title: "Latency at half of what each can do, 7.6 KB",
        x: ("share of answers that were as fast", &|nines| {
            format!("{} %", trimmed(100.0 - 100.0 * 10_f64.powf(-nines)))
        }),
        x_labels: 5,
        y: ("from when it was meant to be sent", &duration),
    };
    plot(&folder.join("latency.svg"), &frame, (0.0..nines.ceil(), y.log_scale()), &lines)
}

fn costs(found: &Found, folder: &Path) -> anyhow::Result<()> {
    let line = |kind: Kind| {
        let point = |size: Size| Some((size.bytes() as f64, found.cost(size, kind)?));
        let points: Vec<_> = Size::ALL.into_iter().filter_map(point).collect();
        (points.len() > 1).then(|| Line { name: kind.name(), color: color(kind), points, is_marked: true })
    };
    let lines: Vec<_> = Kind::ALL.into_iter().filter_map(line).collect();
    let Some((x, y)) = extent(&lines) else { return Ok(()) };
    let frame = Frame {
        title: "What a review costs the server",
        x: ("bytes of the review", &|bytes| match *bytes {
            bytes if bytes >= 1e6 => format!("{} MB", trimmed(bytes / 1e6)),
            bytes => format!("{} KB", trimmed(bytes / 1e3)),
        }),
        x_labels: 10,
        y: ("CPU", &duration),
    };
    plot(&folder.join("cost.svg"), &frame, (x.log_scale(), y.log_scale()), &lines)
}

/// Draws the memory that was held during the soak.
pub(crate) fn soak(looks: &[Look], folder: &Path) -> anyhow::Result<()> {
    let points = looks.iter().map(|look| (look.seconds / 60.0, look.held.mib)).collect();
    let lines = [Line { name: "memory", color: color(Kind::Partywall), points, is_marked: false }];
    let Some((x, y)) = extent(&lines) else { return Ok(()) };
    let frame = Frame {
        title: "Memory while it is soaked",
        x: ("minutes", &|minutes| trimmed(*minutes)),
        x_labels: 10,
        y: ("MiB", &|mib| trimmed(*mib)),
    };
    let all: Range<f64> = 0.0..y.end;
    plot::<RangedCoordf64, RangedCoordf64>(&folder.join("soak.svg"), &frame, (x, all), &lines)
}

/// From the least to the most, with some room.
fn extent(lines: &[Line]) -> Option<(Range<f64>, Range<f64>)> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let bounds = |of: fn(&(f64, f64)) -> f64| {
        let least = points().map(of).min_by(f64::total_cmp)?;
        let most = points().map(of).max_by(f64::total_cmp)?;
        Some(least..most)
    };
    let (x, y) = (bounds(|point| point.0)?, bounds(|point| point.1)?);
    Some((x, y.start / 1.3..y.end * 1.3))
}

fn plot<X, Y>(
    file: &Path,
    frame: &Frame<'_>,
    (x, y): (
        impl AsRangedCoord<CoordDescType = X, Value = f64>,
        impl AsRangedCoord<CoordDescType = Y, Value = f64>,
    ),
    lines: &[Line],
) -> anyhow::Result<()>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(frame.title, (FONT, 20))
        .margin(16)
        .margin_right(32)
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(frame.x.0)
        .x_label_formatter(frame.x.1)
        .x_labels(frame.x_labels)
        .y_desc(frame.y.0)
        .y_label_formatter(frame.y.1)
        .label_style((FONT, 14))
        .axis_desc_style((FONT, 15))
        .bold_line_style(BLACK.mix(0.15))
        .light_line_style(BLACK.mix(0.04))
        .draw()?;
    for Line { name, color, points, is_marked } in lines {
        let style = color.stroke_width(2);
        let series = chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        series.label(*name).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 24, y)], style));
        if *is_marked {
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, color.filled())))?;
        }
    }
    if lines.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .label_font((FONT, 15))
            .draw()?;
    }
    root.present()?;
    Ok(())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "plotters asks so")]
fn duration(micros: &f64) -> String {
    match *micros {
        micros if micros >= 1e6 => format!("{} s", trimmed(micros / 1e6)),
        micros if micros >= 1e3 => format!("{} ms", trimmed(micros / 1e3)),
        micros => format!("{} µs", trimmed(micros)),
    }
}

/// Without digits that say nothing.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
