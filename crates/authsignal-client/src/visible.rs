//! Text from outside as it is shown to whoever decides by it, or reads a log: with nothing in it that nobody sees.
use std::borrow::Cow;
use std::fmt::Write as _;

/// A text in which every character is seen: one that shows nothing of its own stands there by its number, as in `bo[U+200B]b`.
///
/// Those are control characters but for the line break, as forms send it too, and what Unicode has programs ignore where they cannot show it: what has no
/// width, joins others, chooses a form, or turns the direction of what stands around it. Two texts that look the same could be two
/// otherwise, and one could read as another. Scripts and emoji that join by such a character are shown with its number, too.
///
/// It is for showing alone: send and compare the text itself.
///
/// # Examples
///
/// ```
/// assert_eq!(authsignal_client::visible("to: \u{202e}bob"), "to: [U+202E]bob");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        // Forms have line breaks as two characters, which are one to people.
        if char == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        if is_unseen(char) {
            let _ = write!(shown, "[U+{:04X}]", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
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
            ("as a\r\nform\r\r\n", "as a\nform[U+000D]\n"),
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
}
