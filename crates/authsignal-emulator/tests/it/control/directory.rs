//! What programs are told there is under `/emulator`, and whether the emulator is up.
use std::collections::BTreeSet;

use authsignal_emulator::Emulator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{bench, text};

/// What stands for each name in a path that is tried.
fn with_names(path: &str) -> String {
    path.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_program_is_told_what_there_is() {
    let bench = bench().await;
    let ask = |path: &str, accept: Option<&str>| {
        let request = bench.http.get(format!("{}{path}", bench.emulator.origin()));
        // Without one of its own, reqwest says that it takes all.
        accept.map_or(request.try_clone().unwrap(), |accept| request.header("accept", accept)).send()
    };
    for path in ["/emulator", "/emulator/"] {
        for (accept, is_page) in [
            (None, false),
            (Some("application/json"), false),
            (Some("application/json, text/html;q=0.5"), false),
            (Some("text/plain"), false),
            (Some(""), false),
            (Some("text/html"), true),
            (Some("Text/HTML;q=0.9, */*"), true),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"), true),
        ] {
            let response = ask(path, accept).await.unwrap();
            let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
            assert_eq!(response.headers()["vary"], "accept", "{accept:?}");
            assert_eq!(content_type.starts_with("text/html"), is_page, "{path} {accept:?}: {content_type}");
            assert_eq!(content_type == "application/json", !is_page, "{path} {accept:?}: {content_type}");
        }
    }
    let told: Value = ask("/emulator/", None).await.unwrap().json().await.unwrap();
    assert_eq!((&told["name"], &told["baseUrl"]), (&json!("authsignal-emulator"), &json!(bench.emulator.base_url())));
    let endpoints = told["endpoints"].as_array().unwrap();
    let mut known = BTreeSet::new();
    for endpoint in endpoints {
        let (method, path) = (text(&endpoint["method"]), text(&endpoint["path"]));
        assert!(!text(&endpoint["about"]).is_empty() && known.insert((method.to_owned(), path.to_owned())), "{path}");
        let below = with_names(path.strip_prefix("/emulator/").expect(path));
        let (status, answer) = bench.try_control(method.parse().unwrap(), &below, Some(json!({}))).await;
        let is_there = answer["errorDescription"] != "There is no such thing under /emulator.";
        assert!(status < 500 && status != 405 && is_there, "{method} {path}: {status} {answer}");
    }
    println!("{} endpoints were told and found", endpoints.len());

    // And whatever there is was told.
    let mut asked = 0;
    let routes = include_str!("../../../src/control/mod.rs").split(".route(\"/").skip(1);
    for route in routes {
        let (path, handlers) = route.split_once('"').unwrap();
        let handlers = handlers.lines().next().unwrap();
        let path = format!("/emulator/{}", path.strip_prefix("emulator").unwrap_or(path).trim_start_matches('/'));
        if path == "/emulator/" || path.contains("{*") {
            continue;
        }
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            if handlers.contains(&format!("{}(", method.as_str().to_lowercase())) {
                asked += 1;
                let fits = |(other, told): &(String, String)| {
                    let (wanted, told): (Vec<_>, Vec<_>) = (path.split('/').collect(), told.split('/').collect());
                    let is_fit = |(wanted, told): (&&str, &&str)| wanted == told || *wanted == "{act}";
                    other == method.as_str() && wanted.len() == told.len() && wanted.iter().zip(&told).all(is_fit)
                };
                assert!(known.iter().any(fits), "{method} {path} is not told");
            }
        }
    }
    assert!(asked > 20, "{asked}");
    println!("{asked} routes are told");
}

/// T103, T128: whoever waits for it needs no key and may use any name, as probes do, and is told nothing else.
#[tokio::test]
async fn t128_a_health_check_needs_no_key_and_tells_nothing() {
    let locked = Emulator::builder().host([0, 0, 0, 0]).control_key("k3y").start().await.unwrap();
    let near = Emulator::start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for emulator in [&locked, &near] {
        let url = format!("http://127.0.0.1:{}/emulator/health", emulator.local_address().port());
        for host in ["localhost", "10.1.2.3:4000", "emulator:4000", "evil.example"] {
            let response = http.get(&url).header("host", host).send().await.unwrap();
            assert_eq!(response.status(), 200, "{host}");
            let headers = response.headers().clone();
            assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")), "{headers:?}");
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
            assert_eq!(response.json::<Value>().await.unwrap(), json!({ "status": "ok" }));
        }
        assert_eq!(http.head(&url).send().await.unwrap().status(), 200);
        assert_eq!(http.post(&url).send().await.unwrap().status(), 404);
        assert!(emulator.received_requests().iter().all(|seen| !seen.path.contains("health") || seen.method == "POST"));
    }
}
