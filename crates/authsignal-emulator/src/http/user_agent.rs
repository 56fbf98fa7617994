//! What users know a passkey by.

/// Which word in a user agent gives a browser away; the first that is found counts.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The same for an operating system.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("CrOS", "Chrome OS"),
    ("Mac OS", "Mac OS"),
    ("Windows", "Windows"),
    ("Linux", "Linux"),
];

/// "Chrome on Mac OS", as the service calls a passkey by the browser that made it; `otherwise` where that isn't known.
pub(crate) fn name(user_agent: &str, otherwise: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_systems() {
        const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, expected) in [
            (format!("{MAC} Chrome/131.0.0.0 Safari/537.36"), "Chrome on Mac OS"),
            (format!("{MAC} Version/17.0 Safari/605.1.15"), "Safari on Mac OS"),
            (format!("{MAC} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"), "Edge on Mac OS"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1".into(), "Safari on iOS"),
            ("Mozilla/5.0 (Linux; Android 14) Chrome/131.0 Mobile Safari/537.36".into(), "Chrome on Android"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".into(), "Firefox on Linux"),
            ("curl/8.0".into(), "Passkey"),
            (String::new(), "Passkey"),
        ] {
            assert_eq!(name(&user_agent, "Passkey"), expected, "{user_agent}");
        }
    }
}
