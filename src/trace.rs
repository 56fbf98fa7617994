//! Names requests in the application's own trace, without what the way back carries (threat T129).
use authsignal_client::visible;
use http::{Request, Uri};

/// The parameters that are left out: the proof's token, as it is or sealed, and the flow that it belongs to.
const SECRETS: [&str; 3] = ["token", "kept", "flow"];

/// The path and query of an address, without the parameters `token`, `kept` and `flow`, which the callback's address carries.
///
/// A token is good for one flow of one browser, and for minutes; even so, a log is no place for it. For access logs, spans and
/// error reports; everything else stays as it was written, but that what nobody would see, or would turn the line round, stands there by
/// its number.
///
/// # Examples
///
/// ```
/// let uri = "/authsignal/callback?flow=abc&token=eyJ&lang=en".parse::<http::Uri>()?;
/// assert_eq!(axum_authsignal::redacted_uri(&uri), "/authsignal/callback?lang=en");
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[must_use]
pub fn redacted_uri(uri: &Uri) -> String {
    let path = visible(uri.path());
    let kept: Vec<_> = uri.query().unwrap_or_default().split('&').filter(|pair| !is_secret(pair)).collect();
    if uri.query().is_none() || kept.is_empty() {
        path.into_owned()
    } else {
        format!("{path}?{}", visible(&kept.join("&")))
    }
}

fn is_secret(pair: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| SECRETS.contains(&&*name))
}

/// The span of a request for tower-http's `TraceLayer`, as its own at `debug` (`request`, with `method`, `uri` and `version`),
/// but with the [redacted address](redacted_uri).
///
/// `TraceLayer` by itself writes whole addresses at `debug`, and with that the token of everybody who comes back from a
/// challenge. The span has the target of `TraceLayer`'s own, `tower_http::trace::make_span`, so that filters stay as they are.
///
/// # Examples
///
/// ```
/// use tower_http::trace::TraceLayer;
///
/// # fn example(authsignal: &axum_authsignal::Authsignal) {
/// let app: axum::Router = axum::Router::new()
///     .merge(authsignal.routes())
///     .layer(TraceLayer::new_for_http().make_span_with(axum_authsignal::request_span));
/// # }
/// ```
///
/// A span with fields of your own leaves the token out with [`redacted_uri`]:
///
/// ```
/// # use axum::extract::Request;
/// # use tower_http::trace::TraceLayer;
/// let layer = TraceLayer::new_for_http().make_span_with(|request: &Request| {
///     let uri = axum_authsignal::redacted_uri(request.uri());
///     tracing::info_span!("request", method = %request.method(), uri, user_agent = tracing::field::Empty)
/// });
/// # let app: axum::Router = axum::Router::new().layer(layer);
/// ```
#[must_use]
pub fn request_span<B>(request: &Request<B>) -> tracing::Span {
    tracing::debug_span!(
        target: "tower_http::trace::make_span",
        "request",
        method = %request.method(),
        uri = redacted_uri(request.uri()),
        version = ?request.version(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T129: no spelling of the parameters stays, and nothing else goes.
    #[test]
    fn t129_token_and_flow_are_left_out_and_nothing_else() {
        let cases = [
            ("/", "/"),
            ("/cb?", "/cb?"),
            ("/cb?flow=a&token=b", "/cb"),
            ("/cb?flow=a&outcome=store&kept=b", "/cb?outcome=store"),
            ("/cb?token=b&lang=en&flow=a", "/cb?lang=en"),
            ("/cb?a=1&b=2", "/cb?a=1&b=2"),
            ("/cb?%74oken=b&fl%6Fw=a&x", "/cb?x"),
            ("/cb?token", "/cb"),
            ("/cb?token=&tokens=1&mytoken=2&Token=3", "/cb?tokens=1&mytoken=2&Token=3"),
            ("/cb?token=a&token=b", "/cb"),
            ("/cb?a=token&b=flow", "/cb?a=token&b=flow"),
            ("/cb?a=%20+&hop=1&token=x", "/cb?a=%20+&hop=1"),
            ("/cb?token=a=b&c", "/cb?c"),
            ("https://app.example.com/cb?token=b", "/cb"),
            ("/cb?&&token=b", "/cb?&"),
        ];
        for (uri, want) in cases {
            assert_eq!(redacted_uri(&uri.parse().unwrap()), want, "{uri}");
        }
    }
}
