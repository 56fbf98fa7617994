//! How names, addresses and secrets are shown and read.
use authsignal_client::visible;
use serde_json::Value;

use crate::challenge_page::words::table::Words;
use crate::http::input::{looks_like_a_number, looks_like_an_address};

/// A custom data point, if it is one that can be shown, with nothing in it that nobody would see.
pub(super) fn detail((name, value): (&String, &Value), words: &Words) -> Option<(String, String)> {
    let value = match value {
        Value::Null | Value::Object(_) => return None,
        Value::Bool(flag) => if *flag { words.yes } else { words.no }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => visible(text).into_owned(),
        Value::Array(values) => visible(&values.iter().filter_map(listed).collect::<Vec<_>>().join(", ")).into_owned(),
    };
    Some((visible(&in_words(name)).into_owned(), value))
}

/// One of several texts between commas: in quotes where it could be taken for another number of them.
fn listed(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_plain = !text.is_empty() && !text.contains([',', '"']) && text.trim() == text;
    Some(if is_plain { text.to_owned() } else { value.to_string() })
}

/// `changeEmail`, `change-email` and `change_email` as "Change email".
pub(super) fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let c_starts_word = c.is_uppercase() && before.is_lowercase();
        if (c_starts_word || matches!(c, '-' | '_' | ' ')) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        match c {
            '-' | '_' | ' ' => {}
            _ if words.is_empty() => words.extend(c.to_uppercase()),
            _ if c_starts_word && !chars.peek().is_some_and(|next| next.is_uppercase()) => {
                words.extend(c.to_lowercase())
            }
            _ => words.push(c),
        }
        before = c;
    }
    let words = words.trim_end();
    if words.is_empty() { name.to_owned() } else { words.to_owned() }
}

/// An address that its owner recognises and nobody else learns.
pub(super) fn masked(address: &str) -> String {
    if let Some((name, domain)) = address.split_once('@') {
        let first: String = name.chars().take(1).collect();
        return format!("{first}•••@{domain}");
    }
    let digits: Vec<char> = address.chars().collect();
    format!("•••{}", digits[digits.len().saturating_sub(3)..].iter().collect::<String>())
}

/// A secret as people read it off: in groups of four.
pub(super) fn in_groups(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim();
    looks_like_an_address(text).then(|| text.to_owned())
}

/// A phone number in E.164 form, from however people write one: spaces, hyphens, brackets, `00` for the plus.
pub(super) fn number(text: &str) -> Option<String> {
    let plain: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect();
    let digits = plain.strip_prefix('+').or(plain.strip_prefix("00"))?;
    Some(format!("+{digits}")).filter(|number| looks_like_a_number(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_words() {
        for (name, words) in [
            ("withdrawal", "Withdrawal"),
            ("change-email", "Change email"),
            ("change_email_address", "Change email address"),
            ("signIn", "Sign in"),
            ("exportPDF", "Export PDF"),
            ("IBAN", "IBAN"),
            ("__", "__"),
            ("_a_ ", "A"),
            ("", ""),
        ] {
            assert_eq!(in_words(name), words, "{name:?}");
        }
    }

    #[test]
    fn addresses_are_masked() {
        for (address, shown) in
            [("ada@example.com", "a•••@example.com"), ("@", "•••@"), ("+64270000123", "•••123"), ("", "•••")]
        {
            assert_eq!(masked(address), shown, "{address:?}");
        }
    }

    #[test]
    fn secrets_are_read_in_groups() {
        assert_eq!(in_groups("ABCDEFGHIJ"), "ABCD EFGH IJ");
        assert_eq!(in_groups(""), "");
    }

    #[test]
    fn addresses() {
        for (text, read) in [
            ("ada@example.com", Some("ada@example.com")),
            (" a@b ", Some("a@b")),
            ("ada", None),
            ("ada lovelace@example.com", None),
        ] {
            assert_eq!(email(text).as_deref(), read, "{text:?}");
        }
    }

    #[test]
    fn numbers() {
        for (text, read) in [
            ("+64270000123", Some("+64270000123")),
            (" +64 27 000-0123 ", Some("+64270000123")),
            ("0064 (27) 000.0123", Some("+64270000123")),
            ("+49 30/901820", Some("+4930901820")),
            ("027 000 0123", None),
            ("+064270000123", None),
            ("+6427000012x", None),
            ("+٦٤٢٧٠٠٠٠١٢٣", None),
            ("++64270000123", None),
            ("+", None),
            ("", None),
        ] {
            assert_eq!(number(text).as_deref(), read, "{text:?}");
        }
    }
}
