//! Text from outside as it is shown to whoever decides by it, or reads a log: with nothing in it that nobody sees.
use std::borrow::Cow;
use std::fmt::Write as _;

/// A text in which every character is seen: one that shows nothing of its own stands there by its number, as in `bo[U+200B]b`.
///
/// Those are control characters but for the line break, as forms send it too, and what Unicode has programs ignore where they cannot show it: what has no
/// width, joins others, chooses a form, or turns the direction of what stands around it. Two texts that look the same could be two
/// otherwise, and one could read as another. Scripts and emoji that join by such a character are shown with its number, too.
///
/// Blanks and line breaks are seen between others; those that the text begins or ends with stand there by their number, too, as in
/// `[U+0020]bob`.
///
/// It is for showing alone: send and compare the text itself.
///
/// # Examples
///
/// ```
/// assert_eq!(authsignal_client::visible("to: \u{202e}bob "), "to: [U+202E]bob[U+0020]");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let rest = text.trim_end_matches(is_blank);
    let seen = rest.len() - rest.trim_start_matches(is_blank).len()..rest.len();
    if seen == (0..text.len()) && !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        // Forms have line breaks as two characters, which are one to people.
        if char == '\r' && chars.peek().is_some_and(|(_, next)| *next == '\n') {
            continue;
        }
        if is_unseen(char) || !seen.contains(&at) {
            let _ = write!(shown, "[U+{:04X}]", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

/// Whether a character is seen by what stands on both of its sides, and not at an end.
fn is_blank(char: char) -> bool {
    char.is_whitespace() || char == '\u{2800}'
}

/// Whether a character shows nothing of its own, as [`visible`] has it.
#[must_use]
pub fn is_unseen(char: char) -> bool {
    (char.is_control() && char != '\n')
        || matches!(
            char,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
        )
        || matches!(char, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(char, '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T21: what is shown is all that there is.
    #[test]
    fn t21_nothing_is_unseen() {
        for (text, shown) in [
            ("bob", "bob"),
            ("two\nlines", "two\nlines"),
            ("as a\r\nform\r\r\nis", "as a\nform[U+000D]\nis"),
            ("bo\u{200b}b", "bo[U+200B]b"),
            ("\u{202e}bob", "[U+202E]bob"),
            ("a\0\r\t\u{7f}", "a[U+0000][U+000D][U+0009][U+007F]"),
            ("\u{2066}a\u{2069}\u{e0061}", "[U+2066]a[U+2069][U+E0061]"),
            ("böb 👩\u{200d}👩", "böb 👩[U+200D]👩"),
            ("bob\u{200c}", "bob[U+200C]"),
            ("bob\u{fe0f}\u{e0100}\u{180b}", "bob[U+FE0F][U+E0100][U+180B]"),
            ("\u{34f}\u{115f}\u{1160}\u{3164}\u{ffa0}", "[U+034F][U+115F][U+1160][U+3164][U+FFA0]"),
            ("\u{17b4}\u{17b5}", "[U+17B4][U+17B5]"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    /// T21: nor is a blank at an end, whatever blank it is.
    #[test]
    fn t21_no_end_is_unseen() {
        for (text, shown) in [
            ("", ""),
            (" ", "[U+0020]"),
            (" DE89", "[U+0020]DE89"),
            ("x ", "x[U+0020]"),
            ("  a  b  ", "[U+0020][U+0020]a  b[U+0020][U+0020]"),
            ("a\nb \n c", "a\nb \n c"),
            ("a\r\n", "a[U+000A]"),
            ("\n\n a \r\n\r\n", "[U+000A][U+000A][U+0020]a[U+0020][U+000A][U+000A]"),
            ("\u{a0}a\u{a0}b\u{3000}", "[U+00A0]a\u{a0}b[U+3000]"),
            ("\u{2800}a\u{2003}\u{1680}", "[U+2800]a[U+2003][U+1680]"),
            (" \u{200b} a", "[U+0020][U+200B] a"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }
}
