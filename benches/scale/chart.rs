//! The curves as SVG: how much a decision grows, its time, and a snapshot's bytes.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use crate::measure::Point;
use crate::{Curve, MAY_GROW};

const COLORS: [RGBColor; 5] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0xff, 0x7f, 0x0e),
];
const SIZE: (u32, u32) = (960, 560);
const GRAY: RGBColor = RGBColor(0x60, 0x60, 0x60);

/// The instructions of a decision to those at the smallest size, and what is allowed.
pub(crate) fn instructions(path: &Path, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Instructions per decision, as a multiple of the smallest size's", ("sans-serif", 20))
        .margin(20)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(sizes(curves).log_scale(), 0.9..1.2)?;
    chart.configure_mesh().x_desc("how many there are").x_label_formatter(&short).draw()?;
    let ends = sizes(curves);
    let allowed = [(ends.start, MAY_GROW), (ends.end, MAY_GROW)];
    chart
        .draw_series(LineSeries::new(allowed, GRAY.stroke_width(2)))?
        .label("allowed")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], GRAY.stroke_width(2)));
    for (curve, color) in curves.iter().zip(COLORS) {
        let Some(smallest) = curve.points.first().and_then(|point| point.instructions) else { continue };
        let multiple = |point: &Point| Some(point.instructions? as f64 / smallest as f64);
        let points = curve.points.iter().filter_map(|point| Some((point.size as f64, multiple(point)?)));
        chart
            .draw_series(LineSeries::new(points, color.filled()).point_size(4))?
            .label(curve.axis.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(GRAY)
        .draw()?;
    root.present()?;
    Ok(())
}

/// The time of a decision.
pub(crate) fn time(path: &Path, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    logarithmic(path, "Nanoseconds per decision", curves, |point| point.nanoseconds)
}

/// The bytes of a snapshot.
pub(crate) fn bytes(path: &Path, curves: &[Curve]) -> Result<(), Box<dyn Error>> {
    logarithmic(path, "Bytes of a snapshot", curves, |point| point.snapshot_bytes as f64)
}

fn logarithmic(
    path: &Path,
    caption: &str,
    curves: &[Curve],
    value: impl Fn(&Point) -> f64,
) -> Result<(), Box<dyn Error>> {
    let values = || curves.iter().flat_map(|curve| &curve.points).map(&value);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, ("sans-serif", 20))
        .margin(20)
        .x_label_area_size(48)
        .y_label_area_size(72)
        .build_cartesian_2d(sizes(curves).log_scale(), (least / 2.0..most * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("how many there are")
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .draw()?;
    for (curve, color) in curves.iter().zip(COLORS) {
        let points = curve.points.iter().map(|point| (point.size as f64, value(point)));
        chart
            .draw_series(LineSeries::new(points, color.filled()).point_size(4))?
            .label(curve.axis.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(GRAY)
        .draw()?;
    root.present()?;
    Ok(())
}

fn sizes(curves: &[Curve]) -> Range<f64> {
    let all = || curves.iter().flat_map(|curve| &curve.points).map(|point| point.size as f64);
    all().fold(f64::INFINITY, f64::min)..all().fold(1.0, f64::max)
}

/// 10k rather than 10000.
fn short(number: &f64) -> String {
    match *number {
        large if large >= 1e6 => format!("{}M", large / 1e6),
        middle if middle >= 1e3 => format!("{}k", middle / 1e3),
        small => format!("{small}"),
    }
}
