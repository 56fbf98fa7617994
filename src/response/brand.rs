//! How an application is recognised on our pages: its name, its logo and its colour, and whether text can be read on it.
use url::Url;

use authsignal_client::url::redacted_url;

use crate::config::ConfigError;
use crate::domain::place::Places;

/// The least contrast of text against what is behind it (WCAG 2.2, success criterion 1.4.3, level AA).
const MIN_CONTRAST: f64 = 4.5;
/// What links stand on in `templates/page.css`, in light and in dark.
const LIGHT_CARD: Color = Color([0xff, 0xff, 0xff]);
const DARK_CARD: Color = Color([0x18, 0x21, 0x2d]);
const BLACK: Color = Color([0; 3]);
const WHITE: Color = Color([0xff; 3]);

/// What an application is recognised by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Brand {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<Logo>,
    pub(crate) accent: Option<Accent>,
}

/// The same as an application gives it.
#[derive(Debug, Default)]
pub(crate) struct BrandSettings {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<String>,
    pub(crate) accent: Option<String>,
}

impl BrandSettings {
    pub(crate) fn check(self, places: &Places) -> Result<Brand, ConfigError> {
        Ok(Brand {
            name: self.name.filter(|name| !name.trim().is_empty()),
            logo: self.logo.map(|logo| Logo::parse(&logo, places)).transpose()?,
            accent: self.accent.map(|accent| Accent::parse(&accent)).transpose()?,
        })
    }
}

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Logo {
    /// The address as it stands in the page.
    pub(crate) src: String,
    /// Where a policy allows it from: its own address, at each of the application's where it is a path.
    pub(crate) sources: String,
}

impl Logo {
    /// Takes an `https` URL, or a path of the application without the prefix that a proxy strips.
    pub(crate) fn parse(text: &str, places: &Places) -> Result<Self, ConfigError> {
        let refused = |reason| ConfigError::Logo { url: redacted_url(text), reason };
        // They would end the policy's list, or its directive.
        if text.contains([';', ',']) {
            return Err(refused("it has a semicolon or a comma, which a policy cannot name"));
        }
        let without_query = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
        if text.starts_with('/') {
            let path = places.main.public(text).ok_or_else(|| refused("it is not a path of the application"))?;
            let sources: Vec<_> = places.iter().map(|place| format!("{}{}", place.origin(), path.path())).collect();
            return Ok(Self { src: path.as_str().to_owned(), sources: sources.join(" ") });
        }
        let url =
            Url::parse(text).map_err(|_| refused("it is neither an `https` URL nor a path such as `/logo.svg`"))?;
        if url.scheme() != "https" {
            return Err(refused("it is neither an `https` URL nor a path such as `/logo.svg`"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(refused("it carries a user name, a password or a fragment"));
        }
        // Behind a slash at its end a policy allows everything.
        if url.path().ends_with('/') {
            return Err(refused("it is a folder"));
        }
        Ok(Self { sources: without_query(url.as_str()), src: url.into() })
    }
}

/// The colour of buttons and links, with what makes it readable in light and in dark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accent {
    light: Shades,
    dark: Shades,
}

/// The colours of one scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shades {
    button: Color,
    on_button: Color,
    link: Color,
}

impl Accent {
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let accent = Color::parse(text).ok_or_else(|| ConfigError::AccentColor { color: text.to_owned() })?;
        let dark = accent.until_readable_on(DARK_CARD, WHITE);
        let shades = |button: Color, link| Shades { button, on_button: button.text_on_it(), link };
        Ok(Self {
            light: shades(accent, accent.until_readable_on(LIGHT_CARD, BLACK)),
            // Of a dark colour a button would not stand out from a dark page.
            dark: shades(dark, dark),
        })
    }

    /// The rules that set it.
    pub(crate) fn css(&self) -> String {
        let rule = |Shades { button, on_button, link }: &Shades| {
            format!(":root{{--key:{};--on-key:{};--link:{}}}", button.hex(), on_button.hex(), link.hex())
        };
        format!("{}@media (prefers-color-scheme:dark){{{}}}", rule(&self.light), rule(&self.dark))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Color([u8; 3]);

impl Color {
    /// Takes `#rgb` and `#rrggbb`.
    fn parse(text: &str) -> Option<Self> {
        let digits =
            text.strip_prefix('#')?.bytes().map(|byte| char::from(byte).to_digit(16)).collect::<Option<Vec<_>>>()?;
        let byte = |number: u32| u8::try_from(number).ok();
        match digits[..] {
            [r, g, b] => Some(Self([byte(r * 17)?, byte(g * 17)?, byte(b * 17)?])),
            [a, b, c, d, e, f] => Some(Self([byte(a * 16 + b)?, byte(c * 16 + d)?, byte(e * 16 + f)?])),
            _ => None,
        }
    }

    fn hex(self) -> String {
        let Self([r, g, b]) = self;
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    /// Relative luminance (WCAG 2.2, definitions).
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Black or white: one of them can be read on any colour.
    fn text_on_it(self) -> Self {
        if self.contrast(WHITE) >= MIN_CONTRAST { WHITE } else { BLACK }
    }

    /// This colour, with as little of `other` in it as lets it be read on a ground.
    fn until_readable_on(self, ground: Self, other: Self) -> Self {
        let mixed = |part: u32| {
            let mix = |of: u8, with: u8| {
                let sum = u32::from(of) * (100 - part) + u32::from(with) * part;
                u8::try_from(sum / 100).unwrap_or(u8::MAX)
            };
            let [r, g, b] = [0, 1, 2].map(|at| mix(self.0[at], other.0[at]));
            Self([r, g, b])
        };
        (0..100).map(mixed).find(|color| color.contrast(ground) >= MIN_CONTRAST).unwrap_or(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_read_as_style_sheets_write_them() {
        for (text, hex) in [("#1652c9", "#1652c9"), ("#ABC", "#aabbcc"), ("#fff", "#ffffff")] {
            assert_eq!(Color::parse(text).map(Color::hex).as_deref(), Some(hex), "{text}");
        }
        for text in
            ["", "#", "red", "1652c9", "#12", "#1234", "#12345", "#1234567", "#gggggg", "#éab", "#fff;}", " #fff"]
        {
            assert_eq!(Color::parse(text), None, "{text}");
        }
        let ratio = |one: &str, other: &str| Color::parse(one).unwrap().contrast(Color::parse(other).unwrap());
        assert!((ratio("#000", "#fff") - 21.0).abs() < 1e-9);
        // As the field's calculators have it.
        assert!((ratio("#777777", "#ffffff") - 4.478).abs() < 0.001, "{}", ratio("#777777", "#ffffff"));
    }

    /// Whatever the accent is, the text on a button and a link on its card can be read, in light and in dark.
    #[test]
    fn every_accent_can_be_read() {
        let (mut count, mut least) = (0, f64::MAX);
        let steps = || (0..=255u8).step_by(15);
        for (r, g, b) in steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| (r, g, b)))) {
            let color = Color([r, g, b]).hex();
            let accent = Accent::parse(&color).unwrap();
            assert_eq!(accent.light.button.hex(), color, "a button in light is of the very colour");
            for (card, Shades { button, on_button, link }) in [(LIGHT_CARD, accent.light), (DARK_CARD, accent.dark)] {
                let worst = button.contrast(on_button).min(link.contrast(card));
                assert!(worst >= MIN_CONTRAST, "{color}: {worst}");
                least = least.min(worst);
            }
            count += 1;
        }
        println!("{count} accents, contrast {least:.2} at least");
    }

    /// The grounds are those of the style sheet.
    #[test]
    fn the_cards_are_those_of_the_style_sheet() {
        let style = include_str!("../../templates/page.css");
        assert!(style.contains("--card:#fff;") && style.contains(&format!("--card:{};", DARK_CARD.hex())));
    }
}
