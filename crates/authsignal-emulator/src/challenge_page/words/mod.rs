//! What the page says, in the languages that it speaks.
//!
//! A text may have places, as `{to}`. Every table has every text: the compiler sees to it.
pub(crate) mod de;
pub(crate) mod en;
pub(crate) mod es;
pub(crate) mod fr;
pub(crate) mod table;
pub(crate) mod text;

use crate::challenge_page::words::table::Words;
use std::time::Duration;

/// The languages, the fallback first.
const TABLES: [&Words; 4] = [&en::WORDS, &de::WORDS, &fr::WORDS, &es::WORDS];

impl Words {
    /// The language that `track` told, or else the user's, or else one that the browser accepts (`Accept-Language`).
    /// Where the page doesn't speak it, the tenant's, and where it doesn't speak that, English.
    pub(super) fn of(track: Option<&str>, user: Option<&str>, accepted: Option<&str>, tenant: &str) -> &'static Self {
        let told = track.into_iter().chain(user).find(|tag| !tag.trim().is_empty());
        let found = match told {
            Some(tag) => spoken(tag),
            None => accepted.and_then(preferred),
        };
        found.or_else(|| spoken(tenant)).unwrap_or(TABLES[0])
    }

    /// How long something lasts, in the greatest unit that fits.
    pub(super) fn lasting(&self, time: Duration) -> String {
        let seconds = time.as_secs();
        let (number, one, many) = match seconds {
            0..120 if seconds != 60 => (seconds, self.second, self.seconds),
            _ if !seconds.is_multiple_of(60) => (seconds.div_ceil(60), self.minute, self.minutes),
            _ if seconds < 7200 || !seconds.is_multiple_of(3600) => (seconds / 60, self.minute, self.minutes),
            _ => (seconds / 3600, self.hour, self.hours),
        };
        format!("{number} {}", if number == 1 { one } else { many })
    }
}

/// The table of a language tag, by its primary subtag (BCP 47, section 2.2.1).
fn spoken(tag: &str) -> Option<&'static Words> {
    let primary = tag.trim().split(['-', '_']).next()?;
    TABLES.into_iter().find(|words| words.lang.eq_ignore_ascii_case(primary))
}

/// The table that an `Accept-Language` likes best (RFC 9110, section 12.5.4).
fn preferred(accepted: &str) -> Option<&'static Words> {
    let mut best: Option<(f32, &'static Words)> = None;
    for range in accepted.split(',') {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or_default();
        if let Some(words) = spoken(tag)
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, words));
        }
    }
    best.map(|(_, words)| words)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names in braces.
    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split_once('}').expect(text).0).collect()
    }

    #[test]
    fn no_table_misses_an_entry() {
        let english = TABLES[0].all();
        for words in TABLES {
            for ((name, text), (_, original)) in words.all().into_iter().zip(&english) {
                assert!(!text.trim().is_empty() && text.trim() == text, "{}.{name}", words.lang);
                assert_eq!(places(text), places(original), "{}.{name}", words.lang);
                assert!(!text.contains('\'') && !text.contains('"'), "{}.{name}: typewriter's quotes", words.lang);
            }
        }
    }

    #[test]
    fn no_table_is_a_copy() {
        // Words that are spelled alike.
        let alike = ["no", "minute", "minutes", "passkey", "emulator", "qr_code", "app", "push", "default_tag"];
        for words in &TABLES[1..] {
            for ((name, text), (_, original)) in words.all().into_iter().zip(TABLES[0].all()) {
                assert!(text != original || alike.contains(&name), "{}.{name}: {text}", words.lang);
            }
        }
    }

    #[test]
    fn the_first_that_is_told_decides() {
        for (track, user, accepted, lang) in [
            (None, None, None, "es"),
            (Some("de"), Some("fr"), Some("es"), "de"),
            (Some("de-CH"), None, None, "de"),
            (Some("DE_at"), None, None, "de"),
            (None, Some("fr-CA"), Some("es"), "fr"),
            (Some(""), None, Some("fr"), "fr"),
            (Some(" "), Some("de"), Some("fr"), "de"),
            (Some("ja-JP"), Some("fr"), Some("de"), "es"),
            (Some("deu"), None, None, "es"),
            (None, None, Some("en-GB"), "en"),
            (None, None, Some("ja, de-DE;q=0.8, en;q=0.7"), "de"),
            (None, None, Some("en;q=0.7,fr;q=0.9,es;q=0.8"), "fr"),
            (None, None, Some("de;q=0, fr;q=0.1"), "fr"),
            (None, None, Some("*"), "es"),
            (None, None, Some(";;,q=,de;q=x,\u{0}"), "es"),
        ] {
            assert_eq!(Words::of(track, user, accepted, "es").lang, lang, "{track:?} {user:?} {accepted:?}");
        }
        assert_eq!(Words::of(None, None, None, "ja").lang, "en");
    }

    #[test]
    fn times() {
        for (seconds, text) in [
            (1, "1 second"),
            (45, "45 seconds"),
            (60, "1 minute"),
            (90, "90 seconds"),
            (121, "3 minutes"),
            (600, "10 minutes"),
            (3600, "60 minutes"),
            (7200, "2 hours"),
            (0, "0 seconds"),
        ] {
            assert_eq!(TABLES[0].lasting(Duration::from_secs(seconds)), text);
        }
    }
}
