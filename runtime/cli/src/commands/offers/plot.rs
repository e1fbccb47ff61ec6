//! Pictures of what is learned: forecasts against what became of them, and what is missed over time. Whole coordinates and
//! exact figures, so that the same figures are the same bytes. It refuses to know where figures come from.

use super::regret::Way;
use crate::prose::escaped;
use perq_runtime::learning::ONE;
use perq_runtime::learning::calibration::Report;
use perq_runtime::learning::regret::POINTS;
use std::fmt::Write as _;

const WIDTH: i128 = 760;
const HEIGHT: i128 = 420;
const LEFT: i128 = 70;
const RIGHT: i128 = 20;
const TOP: i128 = 40;
const BOTTOM: i128 = 50;
const STYLE: &str = "text{font:13px sans-serif;fill:#222}.h{font-weight:bold}.s{font-size:11px;fill:#555}\
    .z{stroke:#999}.g{stroke:#ddd}.e{stroke:#999;stroke-dasharray:4 4}.a{fill:none;stroke:#1b6ca8;stroke-width:2}\
    .b{fill:none;stroke:#c2571a;stroke-width:2}.p{fill:#1b6ca8;fill-opacity:.75}";

fn svg(id: &str, title: &str, description: &str, inner: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n\
         <style>{STYLE}</style>\n<text class=\"h\" x=\"{LEFT}\" y=\"22\">{}</text>\n{inner}</svg>\n",
        escaped(title),
        escaped(description),
        escaped(title)
    )
}

/// Where a part of a length lies, to the nearest whole.
fn across(value: i128, most: i128) -> i128 {
    LEFT + value.saturating_mul(WIDTH - LEFT - RIGHT) / most.max(1)
}

fn up(value: i128, most: i128) -> i128 {
    HEIGHT - BOTTOM - value.saturating_mul(HEIGHT - TOP - BOTTOM) / most.max(1)
}

/// Lines at parts of the height, with their names.
fn grid(out: &mut String, most: i128, named: impl Fn(i128) -> String) {
    for part in 0..=4 {
        let y = up(part, 4);
        let class = if part == 0 { "z" } else { "g" };
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>",
            WIDTH - RIGHT
        );
        let name = named(most * part / 4);
        let _ = writeln!(
            out,
            "<text class=\"s\" text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
            LEFT - 6,
            y + 4,
            escaped(&name)
        );
    }
}

fn below(out: &mut String, x: i128, name: &str) {
    let y = HEIGHT - BOTTOM + 18;
    let _ = writeln!(
        out,
        "<text class=\"s\" text-anchor=\"middle\" x=\"{x}\" y=\"{y}\">{}</text>",
        escaped(name)
    );
}

fn named_below(out: &mut String, name: &str) {
    let (x, y) = ((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10);
    let _ = writeln!(
        out,
        "<text class=\"s\" text-anchor=\"middle\" x=\"{x}\" y=\"{y}\">{}</text>",
        escaped(name)
    );
}

/// A millionth's percent, rounded down.
fn percent(millionths: i128) -> String {
    format!("{} %", millionths / 10_000)
}

/// What was accepted over what was forecast: a disc for each twentieth, larger for more showings, beside the diagonal on
/// which forecasts come true.
pub fn reliability(report: &Report) -> String {
    let one = i128::from(ONE);
    let points: Vec<(i128, i128, u64)> = report
        .bins
        .iter()
        .filter(|bin| bin.count.ended > 0)
        .map(|bin| {
            let ended = i128::from(bin.count.ended);
            (bin.expected / ended, i128::from(bin.count.accepted) * one / ended, bin.count.ended)
        })
        .collect();
    let largest = points.iter().map(|(forecast, accepted, _)| *forecast.max(accepted)).max().unwrap_or(0);
    // To the next tenth, so that the scale has round figures.
    let most = ((largest / 100_000 + 1) * 100_000).min(one);
    let heaviest = points.iter().map(|(.., count)| *count).max().unwrap_or(1).max(1);
    let mut inner = String::new();
    grid(&mut inner, most, percent);
    for part in 0..=4 {
        below(&mut inner, across(part, 4), &percent(most * part / 4));
    }
    let _ = writeln!(
        inner,
        "<line class=\"e\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
        across(0, 1),
        up(0, 1),
        across(1, 1),
        up(1, 1)
    );
    let mut said = Vec::new();
    for (forecast, accepted, count) in &points {
        // The area of a disc is as its showings.
        let radius = 3 + (u128::from(*count) * 144 / u128::from(heaviest)).isqrt();
        let text =
            format!("{} forecast, {} accepted, {count} showings", percent(*forecast), percent(*accepted));
        let _ = writeln!(
            inner,
            "<circle class=\"p\" cx=\"{}\" cy=\"{}\" r=\"{radius}\"><title>{}</title></circle>",
            across(*forecast, most),
            up(*accepted, most),
            escaped(&text)
        );
        said.push(text);
    }
    named_below(&mut inner, "forecast");
    svg("reliability", "Accepted, of what was forecast to be accepted", &said.join("; "), &inner)
}

/// What was missed so far over the sessions, in the mean over the seeds: a line for each way of ranking.
pub fn regret(ways: &[Way], sessions: u32) -> String {
    let curves: Vec<(&str, Vec<i128>)> = ways.iter().map(|way| (way.name, way.curve())).collect();
    let largest = curves.iter().flat_map(|(_, curve)| curve).copied().max().unwrap_or(0).max(1);
    let most = (largest / i128::from(ONE) / 4 + 1) * 4 * i128::from(ONE);
    let mut inner = String::new();
    grid(&mut inner, most, |value| (value / i128::from(ONE)).to_string());
    for part in 0..=4 {
        below(&mut inner, across(part, 4), &(i128::from(sessions) * part / 4).to_string());
    }
    let mut said = Vec::new();
    for ((name, curve), class) in curves.iter().zip(["a", "b"]) {
        let mut points = vec![format!("{},{}", across(0, 1), up(0, 1))];
        for (value, at) in curve.iter().zip(1i128..) {
            let x = across(at, i128::try_from(POINTS).unwrap_or(1));
            points.push(format!("{x},{}", up((*value).max(0), most)));
        }
        let _ = writeln!(inner, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
        let last = curve.last().copied().unwrap_or(0);
        let _ = writeln!(
            inner,
            "<text text-anchor=\"end\" x=\"{}\" y=\"{}\">{}</text>",
            WIDTH - RIGHT - 4,
            up(last.max(0), most) - 6,
            escaped(name)
        );
        said.push(format!("{name}: {} missed after {sessions} sessions", last / i128::from(ONE)));
    }
    named_below(&mut inner, "sessions");
    svg("regret", "Acceptances missed against the best fixed ranking", &said.join("; "), &inner)
}
