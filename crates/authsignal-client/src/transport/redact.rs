//! Pieces of answers as they may stand in an error: bounded, one line, without what could be a secret.

use std::cmp::Reverse;

use crate::visible::is_unseen;

const CUT: &str = "[cut]";

/// A needle that is shorter keeps no secret, and would tear every word apart.
const MIN_NEEDLE: usize = 4;

/// Cuts secrets out of texts that came from upstream.
pub(crate) struct Redactor<'a> {
    /// Texts that go wherever they stand: the client's own, which every call has, and more.
    own: Option<[&'a str; 2]>,
    needles: Vec<&'a str>,
    /// Whether nothing of a body may be shown.
    withhold: bool,
}

/// How much of a text is let through.
#[derive(Clone, Copy)]
struct Limits {
    /// Token characters in a row from which they are cut.
    run: usize,
    /// Digits in a row from which they are cut.
    digits: usize,
    /// The most characters that are kept.
    max: usize,
}

/// For bytes that nobody understood.
const EXCERPT: Limits = Limits { run: 16, digits: 4, max: 200 };
/// For a message of the service's own, whose words may be long (`AUTHENTICATOR_NOT_FOUND`).
const MESSAGE: Limits = Limits { run: 32, digits: 7, max: 400 };

impl<'a> Redactor<'a> {
    pub(crate) fn new(needles: impl IntoIterator<Item = &'a str>) -> Self {
        Self { own: None, needles: needles.into_iter().collect(), withhold: false }
    }

    /// Also cuts out what is the client's own.
    pub(crate) fn of_client(mut self, own: Option<[&'a str; 2]>) -> Self {
        self.own = own;
        self
    }

    /// Also cuts these out.
    pub(crate) fn also(mut self, needles: impl IntoIterator<Item = &'a str>) -> Self {
        self.needles.extend(needles);
        self
    }

    /// Shows nothing at all of a body: it may hold secrets that no rule tells from words, recovery codes for one.
    pub(crate) fn withholding(mut self, yes: bool) -> Self {
        self.withhold = yes;
        self
    }

    /// A piece of a body that could not be read: at most 200 characters, without runs of 16 token characters, runs of
    /// 4 digits, and e-mail addresses.
    pub(crate) fn excerpt(&self, body: &[u8]) -> String {
        if self.withhold { "[withheld]".to_owned() } else { self.apply(&String::from_utf8_lossy(body), EXCERPT) }
    }

    /// A message meant for people: at most 400 characters, without runs of 32 token characters, runs of 7 digits, and
    /// e-mail addresses.
    pub(crate) fn message(&self, text: &str) -> String {
        self.apply(text, MESSAGE)
    }

    fn apply(&self, text: &str, limits: Limits) -> String {
        let needles = self.own.iter().flatten().chain(&self.needles).filter(|needle| needle.len() >= MIN_NEEDLE);
        let mut needles: Vec<_> = needles.collect();
        // The longer ones first: a needle within a needle must not leave the rest of it.
        needles.sort_by_key(|needle| Reverse(needle.len()));
        let mut text = text.to_owned();
        for needle in needles {
            text = text.replace(*needle, CUT);
        }
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if end == 0 {
                push_escaped(&mut out, first);
                rest = &rest[first.len_utf8()..];
            } else {
                push_word(&mut out, &rest[..end], limits);
                rest = &rest[end..];
            }
        }
        if let Some((end, _)) = out.char_indices().nth(limits.max) {
            out.truncate(end);
        }
        out
    }
}

/// What a token is made of.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '/' | '=' | '-')
}

/// What a token or an e-mail address is made of, letters of all scripts included.
fn is_word(c: char) -> bool {
    is_token(c) || c.is_alphanumeric() || matches!(c, '@' | '%')
}

fn push_word(out: &mut String, word: &str, limits: Limits) {
    if word.contains('@') {
        out.push_str(CUT);
        return;
    }
    for part in word.split_inclusive(|c| !is_token(c)) {
        let (run, tail) = match part.char_indices().next_back() {
            Some((at, last)) if !is_token(last) => part.split_at(at),
            _ => (part, ""),
        };
        if run.len() >= limits.run {
            out.push_str(CUT)
        } else {
            push_digits(out, run, limits.digits)
        }
        out.push_str(tail);
    }
}

fn push_digits(out: &mut String, run: &str, most: usize) {
    let mut rest = run;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        out.push_str(if digits >= most { CUT } else { &rest[..digits] });
        rest = &rest[digits..];
        let other = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        out.push_str(&rest[..other]);
        rest = &rest[other..];
    }
}

/// Control characters would forge log lines, others that nobody sees would reorder them, or hide in them.
fn push_escaped(out: &mut String, c: char) {
    if c.is_control() || is_unseen(c) { out.extend(c.escape_default()) } else { out.push(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts() {
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{}.sig", "a".repeat(400));
        let table = [
            ("html", "<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>".to_owned()),
            ("token", &format!(r#"{{"token":"{jwt}"}}"#), r#"{"token":"[cut]"}"#.to_owned()),
            ("url", "https://mfa.authsignal.com/?token=abc", "https:[cut]?token=abc".to_owned()),
            ("fifteen stay", "abcdefghijklmno", "abcdefghijklmno".to_owned()),
            ("sixteen go", "abcdefghijklmnop", CUT.to_owned()),
            ("code", "your code is 123456.", "your code is [cut].".to_owned()),
            ("three digits stay", "status 502", "status 502".to_owned()),
            ("phone", "+64270000000", "+[cut]".to_owned()),
            ("e-mail", "who is ada@example.com?", "who is [cut]?".to_owned()),
            ("e-mail of another script", "grüße@exämple.de", CUT.to_owned()),
            ("secret", "key=s3:cr, again s3:cr", "key=[cut], again [cut]".to_owned()),
            ("control", "a\r\nb\u{1b}[31m\u{202e}", r"a\r\nb\u{1b}[31m\u{202e}".to_owned()),
            ("unseen", "a\u{200b}\u{e0061}\u{feff}", r"a\u{200b}\u{e0061}\u{feff}".to_owned()),
            ("empty", "", String::new()),
        ];
        for (name, body, expected) in table {
            assert_eq!(Redactor::new(["s3:cr", "", "a"]).excerpt(body.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn bounded_after_the_cuts() {
        let redactor = Redactor::new([]);
        let body = format!("{}{}", "- ".repeat(99), "x".repeat(300));
        assert_eq!(redactor.excerpt(body.as_bytes()).chars().count(), 200);
        assert!(!redactor.excerpt(body.as_bytes()).contains('x'), "a token that the bound cuts short is still a token");
        assert!(redactor.excerpt(&[0xff; 1000]).chars().count() <= 200);
    }

    #[test]
    fn messages_keep_the_words_of_the_service() {
        let text = "body.verificationMethod must be one of - allowedValues: AUTHENTICATOR_APP,EMAIL_MAGIC_LINK";
        assert_eq!(Redactor::new([]).message(text), text);
        assert_eq!(Redactor::new([]).message(&"k".repeat(32)), CUT);
    }

    #[test]
    fn a_needle_within_a_needle_leaves_nothing() {
        assert_eq!(Redactor::new(["abcd", "abcd-ef"]).excerpt(b"abcd-ef abcd"), "[cut] [cut]");
    }
}
