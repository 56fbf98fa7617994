//! QR codes as inline SVG.
use std::fmt::Write as _;

use qrcode::types::Color;
use qrcode::{EcLevel, QrCode};

/// The quiet zone that the standard asks for, in modules.
const QUIET: usize = 4;

/// `text` as an SVG element: black on white in every colour scheme, since that is what cameras read best. Empty when
/// the text is longer than a code can hold.
pub(super) fn svg(text: &str, label: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return String::new() };
    let width = code.width();
    let side = width + 2 * QUIET;
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", index % width + QUIET, index / width + QUIET);
        }
    }
    format!(
        r##"<svg class="qr" viewBox="0 0 {side} {side}" role="img" aria-label="{label}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_or_left_out() {
        let drawn = svg("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP", "QR code");
        assert!(drawn.starts_with("<svg") && drawn.contains(r##"fill="#000" d="M4 4h1"##));
        assert!(!drawn.contains("style"), "the content security policy has no room for inline styles");
        assert_eq!(svg(&"x".repeat(10_000), "QR code"), "");
    }
}
