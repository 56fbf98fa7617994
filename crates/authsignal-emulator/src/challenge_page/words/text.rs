//! Sentences with something in them.
use authsignal_client::visible;

/// A sentence, in the pieces that a template shows plainly or with weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Whether it is what the sentence is about: an address, a name.
    pub(crate) is_strong: bool,
}

impl Text {
    /// `template` with `values` in its places. Those whose name begins with `*` stand out, and nothing in them is unseen.
    pub(crate) fn new(template: &str, values: &[(&str, &str)]) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            plain.push_str(before);
            rest = after;
            match values.iter().find(|(known, _)| known.trim_start_matches('*') == name) {
                Some((known, value)) if known.starts_with('*') => {
                    pieces.push(Piece { text: std::mem::take(&mut plain), is_strong: false });
                    pieces.push(Piece { text: visible(value).into_owned(), is_strong: true });
                }
                Some((_, value)) => plain.push_str(&visible(value)),
                None => {}
            }
        }
        plain.push_str(rest);
        pieces.push(Piece { text: plain, is_strong: false });
        pieces.retain(|piece| !piece.text.is_empty());
        Self(pieces)
    }

    /// One without places.
    pub(crate) fn plain(text: &str) -> Self {
        Self::new(text, &[])
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces() {
        let show = |template: &str, values: &[(&str, &str)]| {
            let pieces = Text::new(template, values).0.into_iter();
            pieces
                .map(|piece| if piece.is_strong { format!("[{}]", piece.text) } else { piece.text })
                .collect::<String>()
        };
        for (template, shown) in [
            ("", ""),
            ("Plain.", "Plain."),
            ("A {n}-digit code to {to}.", "A 6-digit code to [a@b]."),
            ("{to} {to}", "[a@b] [a@b]"),
            ("{n}{to}", "6[a@b]"),
            ("{unknown}!", "!"),
            ("open {", "open "),
            ("}{to", "}[a@b]"),
        ] {
            assert_eq!(show(template, &[("n", "6"), ("*to", "a@b")]), shown, "{template}");
        }
        assert_eq!(show("{to}", &[("*to", "{n}"), ("n", "6")]), "[{n}]", "what is put in has no places");
    }
}
