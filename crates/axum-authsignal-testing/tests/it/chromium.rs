//! The browser's cookies against those of Chromium: what is set on one page, and what comes along to others.
use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderMap, header};
use axum::response::Html;
use axum::routing::get;
use axum_authsignal_testing::TestAuthsignal;
use serde_json::json;
use test_support::visitor::Visitor;

#[derive(serde::Deserialize)]
struct Set {
    set: Option<String>,
}

/// A page that sets what its query says, and shows the cookies that came.
async fn page(Query(Set { set }): Query<Set>, headers: HeaderMap) -> (HeaderMap, Html<String>) {
    let cookies = headers.get(header::COOKIE).map_or("none", |value| value.to_str().unwrap()).to_owned();
    let set = set.into_iter().map(|set| (header::SET_COOKIE, set.parse().unwrap()));
    (set.collect(), Html(format!("<title>t</title><link rel=icon href=data:,><p>{cookies}</p>")))
}

/// What one may set, on which page.
const COOKIES: [(&str, &str); 26] = [
    ("/", "c=1"),
    ("/a/b", "c=1"),
    ("/a/", "c=1"),
    ("/a", "c=1"),
    ("/a/b", "c=1; Path=/"),
    ("/a/b", "c=1; Path=/a"),
    ("/a/b", "c=1; Path=/a/"),
    ("/", "c=1; Path=/a/b"),
    ("/", "c=1; Path=a"),
    ("/", "c=1; Path="),
    ("/", "c=1; Secure"),
    ("/", "c=1; HttpOnly"),
    ("/", "c=1; SameSite=None"),
    ("/", "c=1; SameSite=None; Secure"),
    ("/", "c=1; SameSite=Strict"),
    ("/", "c=1; SameSite=Other"),
    ("/", "__Secure-c=1"),
    ("/", "__Secure-c=1; Secure"),
    ("/", "__Host-c=1; Path=/"),
    ("/", "__Host-c=1; Secure"),
    ("/", "__Host-c=1; Secure; Path=/"),
    ("/", "__Host-c=1; Secure; Path=/a"),
    ("/", "c=1; Max-Age=0"),
    ("/", "c=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    ("/", "c=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
    ("/", "c=1; Domain=other.example"),
];
const PAGES: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab"];

#[tokio::test(flavor = "multi_thread")]
async fn cookies_go_along_as_in_chromium() {
    let app = Router::new().fallback(get(page));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let served = app.clone();
    tokio::spawn(async move { axum::serve(listener, served).await });
    let chromium = Visitor::arrive_at(site.clone(), json!({})).await;
    let mut compared = 0;
    for (at, cookie) in COOKIES {
        chromium.open("/").await;
        for path in PAGES {
            chromium.open(path).await;
            chromium.browser.delete_all_cookies().await.unwrap();
        }
        let ours = TestAuthsignal::new().browser_at(&site, app.clone());
        let query: String = url::form_urlencoded::byte_serialize(cookie.as_bytes()).collect();
        let set = format!("{at}?set={query}");
        chromium.open(&set).await;
        ours.get(&set).await;
        for path in PAGES {
            chromium.open(path).await;
            let (theirs, ours) = (chromium.text("p").await, ours.get(path).await.text());
            assert_eq!(ours.trim_start_matches("t "), theirs, "`{cookie}` of {at} on {path}");
            compared += 1;
        }
    }
    println!("{} cookies on {} pages: {compared} times as in Chromium", COOKIES.len(), PAGES.len());
    chromium.leaves().await;
}
