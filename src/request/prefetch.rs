//! Whether a request was made ahead of the user (complaint C4): nothing is tracked for it, and nothing used up.
//!
//! | header | who sends it |
//! |---|---|
//! | `Sec-Purpose: prefetch`, with `;prerender`, `;prerender;preview` or `;anonymous-client-ip` | the Fetch standard; Chromium (`blink/public/common/navigation/preloading_headers.h`), WebKit (`DocumentPrefetcher.cpp`), Firefox |
//! | `Purpose: prefetch` | Chromium beside it, WebKit for `<link rel=prefetch>` (`CachedResource.cpp`), Inertia (`@inertiajs/core` 3.7.1, `dist/index.js`), Next.js's pages router |
//! | `X-Purpose: preview`, `prefetch` | Safari's Top Sites, Facebook's app, older WebKit (`SubresourceLoader`) |
//! | `X-Moz: prefetch` | Firefox until it took `Sec-Purpose` (`nsPrefetchService.cpp`) |
//! | `X-Sec-Purpose: prefetch` | Turbo 8, on hover and for `data-turbo-preload` (`@hotwired/turbo` 8.0.0 and 8.0.23, `dist/turbo.es2017-esm.js`) |
//! | `VND.PREFETCH: true` | Turbo 7's preloader (`@hotwired/turbo` 7.3.0, the same file) |
//! | `HX-Preloaded: true` | htmx's preload extension (`htmx-ext-preload` 2.1.2, `preload.js`) |
//! | `Next-Router-Prefetch: 1` | Next.js in front of us (`next` 16.4.6, `app-router-headers.js`) |
//! | `X-Middleware-Prefetch: 1` | the same (`next` 16.4.6, `shared/lib/router/router.js`) |
//!
//! instant.page, Quicklink, Gatsby, Nuxt, Astro and React Router use `<link rel=prefetch>` or speculation rules, so that the
//! browser says it. Swup's preload plugin 3.2, Barba 2.10, Livewire 3, Unpoly 3.14 and SvelteKit fetch ahead as they fetch
//! for a click, with nothing that tells the two apart: that cannot be seen from here.
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::request::header_list::{members, parameters};

/// The headers that say what a request is for, as a list of words with parameters.
const PURPOSES: [HeaderName; 5] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-purpose"),
    HeaderName::from_static("x-moz"),
    HeaderName::from_static("x-sec-purpose"),
];
const WORDS: [&str; 3] = ["prefetch", "prerender", "preview"];

/// The headers that say yes or nothing.
const FLAGS: [HeaderName; 4] = [
    HeaderName::from_static("hx-preloaded"),
    HeaderName::from_static("vnd.prefetch"),
    HeaderName::from_static("next-router-prefetch"),
    HeaderName::from_static("x-middleware-prefetch"),
];

/// Whether the request was made ahead of the user.
///
/// Nobody fetches ahead what has an effect, so for other methods only the browser's own `Sec-Purpose` counts, which no
/// script can set: elsewhere `Purpose: preview` may be the application's own word.
pub(crate) fn is_prefetch(parts: &Parts) -> bool {
    let headers = &parts.headers;
    if !parts.method.is_safe() {
        return has_purpose(headers, &PURPOSES[0]);
    }
    PURPOSES.iter().any(|name| has_purpose(headers, name)) || FLAGS.iter().any(|name| has_flag(headers, name))
}

fn has_purpose(headers: &HeaderMap, name: &HeaderName) -> bool {
    members(headers, name).filter_map(|member| parameters(member).next()).any(|purpose| {
        // Some browsers have sent `X-Purpose: : preview`.
        let purpose = purpose.trim_start_matches([':', ' ']);
        WORDS.iter().any(|word| purpose.eq_ignore_ascii_case(word))
    })
}

fn has_flag(headers: &HeaderMap, name: &HeaderName) -> bool {
    members(headers, name).any(|value| {
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        value.eq_ignore_ascii_case("true") || (is_number && value != "0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method, Request};

    fn parts(method: Method, headers: &[(&'static str, &str)]) -> Parts {
        let mut parts = Request::new(()).into_parts().0;
        parts.method = method;
        for (name, value) in headers {
            parts.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        parts
    }

    /// T122: every spelling that a browser or a library in use sends.
    #[test]
    fn t122_every_known_spelling_is_a_prefetch() {
        let spellings = [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("sec-purpose", "prefetch;prerender;preview"),
            ("sec-purpose", "prefetch;anonymous-client-ip"),
            ("sec-purpose", "prefetch; anonymous-client-ip=?1"),
            ("sec-purpose", "Prefetch"),
            ("sec-purpose", "other, prefetch"),
            ("sec-purpose", "other;x=\"a, b\", prefetch;a"),
            ("purpose", "prefetch"),
            ("purpose", "preview"),
            ("x-purpose", "preview"),
            ("x-purpose", "prefetch"),
            ("x-purpose", ": preview"),
            ("x-moz", "prefetch"),
            ("x-sec-purpose", "prefetch"),
            ("x-sec-purpose", "prefetch, prefetch"),
            ("vnd.prefetch", "true"),
            ("hx-preloaded", "true"),
            ("next-router-prefetch", "1"),
            ("next-router-prefetch", "2"),
            ("x-middleware-prefetch", "1"),
        ];
        for (name, value) in spellings {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                assert!(is_prefetch(&parts(method.clone(), &[(name, value)])), "{method} {name}: {value}");
            }
            let posted = is_prefetch(&parts(Method::POST, &[(name, value)]));
            assert_eq!(posted, name == "sec-purpose", "POST {name}: {value}");
        }
        let twice = parts(Method::GET, &[("sec-purpose", "other"), ("sec-purpose", "prefetch")]);
        assert!(is_prefetch(&twice));
        println!("{} spellings of a prefetch", spellings.len());
    }

    #[test]
    fn t122_what_is_honest_is_no_prefetch() {
        let honest = [
            ("sec-purpose", ""),
            ("sec-purpose", "navigate"),
            ("sec-purpose", "prefetched"),
            ("sec-purpose", "no-prefetch"),
            ("sec-purpose", "navigate;prefetch"),
            ("sec-purpose", "navigate;x=\", prefetch\""),
            ("sec-purpose", "\"prefetch\""),
            ("purpose", "billing"),
            ("x-purpose", "internal-research"),
            ("x-purpose", "PREVIEW_INVOICE"),
            ("x-purpose", "Instantiate"),
            ("x-moz", "offline-resource"),
            ("x-moz", "microsummary"),
            ("hx-preloaded", "false"),
            ("hx-preloaded", ""),
            ("hx-preloaded", "0"),
            ("next-router-prefetch", "0"),
            ("next-router-state-tree", "prefetch"),
            ("sec-fetch-mode", "prefetch"),
            ("sec-fetch-dest", "document"),
            ("sec-speculation-tags", "null"),
            ("save-data", "on"),
            ("hx-request", "true"),
            ("hx-boosted", "true"),
            ("x-requested-with", "swup"),
            ("x-barba", "yes"),
            ("priority", "u=4, i"),
            ("service-worker-navigation-preload", "true"),
        ];
        for (name, value) in honest {
            for method in [Method::GET, Method::POST] {
                assert!(!is_prefetch(&parts(method.clone(), &[(name, value)])), "{method} {name}: {value}");
            }
        }
        println!("{} honest headers are no prefetch", honest.len());
    }
}
