//! PURE: names as people read them.

/// A code or a field's name in words: `withdraw-money` is "Withdraw money", `billingAddress` is "Billing address".
pub(crate) fn readable(code: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    let mut chars = code.chars().peekable();
    while let Some(char) = chars.next() {
        let starts_word = char.is_uppercase() && before.is_lowercase();
        if (starts_word || matches!(char, '-' | '_' | ' ')) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        match char {
            '-' | '_' | ' ' => {}
            _ if words.is_empty() => words.extend(char.to_uppercase()),
            _ if starts_word && !chars.peek().is_some_and(|next| next.is_uppercase()) => {
                words.extend(char.to_lowercase())
            }
            _ => words.push(char),
        }
        before = char;
    }
    let words = words.trim_end();
    if words.is_empty() { code.to_owned() } else { words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_words() {
        for (code, words) in [
            ("withdraw-money", "Withdraw money"),
            ("view_Card", "View Card"),
            ("billing_address", "Billing address"),
            ("toAccount", "To account"),
            ("exportPDF", "Export PDF"),
            ("IBAN", "IBAN"),
            ("x", "X"),
            ("7", "7"),
            ("_a_", "A"),
            ("__", "__"),
            ("", ""),
        ] {
            assert_eq!(readable(code), words);
        }
    }
}
