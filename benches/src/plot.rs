//! The ratios as a picture: a bar for each peer, grouped by connections, with the middle half as a line.
use std::fmt::Write as _;

use crate::duel::{Duel, Row};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 150.0;
const BAR: f64 = 16.0;

/// A picture of the CPU time of a request.
pub fn svg(duel: &Duel, rows: &[Row]) -> String {
    let widest = rows.iter().map(|row| row.cpu.to.max(row.cpu.median)).fold(1.0, f64::max);
    let x = |ratio: f64| LEFT + ratio / (widest * 1.05) * (WIDTH - LEFT - 60.0);
    let height = 60.0 + rows.len() as f64 * (BAR + 6.0) + duel.connections.len() as f64 * 24.0;
    let base = duel.base.name();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"8\" y=\"22\" font-size=\"14\">CPU time of a guarded request, as a multiple of `{base}` (less is better)</text>\n"
    );
    let mut y = 36.0;
    for &connections in &duel.connections {
        y += 16.0;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{y}\" font-weight=\"bold\">{connections} at once</text>");
        y += 8.0;
        for row in rows.iter().filter(|row| row.connections == connections) {
            let colour = if row.name.starts_with("ours") { "#0b6bcb" } else { "#9aa5b1" };
            let (end, middle) = (x(row.cpu.median), y + BAR / 2.0);
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
                 <path d=\"M{:.1} {middle}H{:.1}\" stroke=\"#222\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{:.2}</text>",
                LEFT - 8.0,
                middle + 4.0,
                row.name,
                end - LEFT,
                x(row.cpu.from),
                x(row.cpu.to),
                x(row.cpu.to.max(row.cpu.median)) + 6.0,
                middle + 4.0,
                row.cpu.median,
            );
            y += BAR + 6.0;
        }
    }
    let _ = writeln!(svg, "<path d=\"M{:.1} 40V{:.1}\" stroke=\"#222\" stroke-dasharray=\"3 3\"/>\n</svg>", x(1.0), y);
    svg
}
