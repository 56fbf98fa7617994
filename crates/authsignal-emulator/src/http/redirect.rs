//! The way back to the application, with the token.
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a `Location` can't carry as it is.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');
/// A token has letters, digits, `-`, `_` and `.`; all else is encoded.
const TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// `redirect_url` with `token` in its query, and nothing else changed.
pub(crate) fn way_back(redirect_url: &str, token: &str) -> String {
    let (url, fragment) = match redirect_url.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (redirect_url, None),
    };
    let separator = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    let encoded = format!("{url}{separator}token={}{fragment}", utf8_percent_encode(token, TOKEN));
    utf8_percent_encode(&encoded, UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back() {
        for (redirect_url, expected) in [
            ("https://a.example/back", "https://a.example/back?token=T.t_-"),
            ("https://a.example", "https://a.example?token=T.t_-"),
            ("https://a.example/back?flow=1", "https://a.example/back?flow=1&token=T.t_-"),
            ("https://a.example/back?", "https://a.example/back?token=T.t_-"),
            ("https://a.example/back?a=1&", "https://a.example/back?a=1&token=T.t_-"),
            ("https://a.example/back#part", "https://a.example/back?token=T.t_-#part"),
            ("https://a.example/back?a=%20#p?q", "https://a.example/back?a=%20&token=T.t_-#p?q"),
            ("https://a.example/ä b?q=\u{1F600}", "https://a.example/%C3%A4%20b?q=%F0%9F%98%80&token=T.t_-"),
            ("myapp://done", "myapp://done?token=T.t_-"),
        ] {
            assert_eq!(way_back(redirect_url, "T.t_-"), expected, "{redirect_url}");
        }
        assert_eq!(way_back("https://a.example", "a&b=c #"), "https://a.example?token=a%26b%3Dc%20%23");
        assert_eq!(way_back("https://a.example/\r\nx", "t"), "https://a.example/%0D%0Ax?token=t");
    }
}
