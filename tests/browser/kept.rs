//! Forms with hostile values: what is kept comes back byte for byte, and what is not kept is said so (threat T110).
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use authsignal_emulator::{Emulator, Endpoint};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalLayer, User, Verdict};
use bytes::Bytes;
use serde_json::{Value, json};

use test_support::visitor::Visitor;

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Form</title></head>
<body><main><h1>Form</h1><form method="post" action="/pay"><button>Send</button></form></main></body></html>"#;

const PAID: &str = r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Paid</title></head>
<body><main><h1>Paid</h1></main></body></html>"#;

/// Puts fields into the form, as a script or a user would: each `[name, value]` into a text area, each `[name, content, type]`
/// into a field for a file, where an empty type is a file that was not chosen.
const FILL: &str = r#"
    const choose = (field, name, value, type) => {
        const chosen = new DataTransfer();
        chosen.items.add(new File([value], `${name}.bin`, { type }));
        field.files = chosen.files;
    };
    const [fields, charset, enctype] = arguments[0];
    const form = document.querySelector("form");
    if (charset) form.acceptCharset = charset;
    if (enctype) form.enctype = enctype;
    for (const [name, value, type] of fields) {
        const field = document.createElement(type === undefined ? "textarea" : "input");
        field.name = name;
        if (type !== undefined) field.type = "file";
        if (type === undefined) field.value = value;
        else if (type) choose(field, name, value, type);
        form.prepend(field);
    }
"#;

/// The content type and the body of each post, whether it came through or not.
type Posts = Arc<Mutex<Vec<(String, Bytes)>>>;

struct Shop {
    site: String,
    posts: Posts,
    emulator: Emulator,
}

/// Who is asking, from a cookie that the page sets.
fn who(headers: &HeaderMap) -> Option<User> {
    let mut cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    cookies.find_map(|cookies| cookies.split("; ").find_map(|cookie| cookie.strip_prefix("who="))).map(User::new)
}

async fn shop() -> Shop {
    let emulator = Emulator::start().await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let authsignal = Authsignal::builder(emulator.client())
        .challenge_budget(10_000, std::time::Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .identify(|headers: HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let posts = Posts::default();
    let seen = Arc::clone(&posts);
    let noted = from_fn(move |request: Request, next: Next| {
        let seen = Arc::clone(&seen);
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            if parts.method == Method::POST {
                let content_type = parts.headers.get(header::CONTENT_TYPE);
                let content_type = content_type.map_or("", |content_type| content_type.to_str().unwrap()).to_owned();
                seen.lock().unwrap().push((content_type, body.clone()));
            }
            next.run(Request::from_parts(parts, Body::from(body))).await
        }
    });
    let paid = |verdict: Verdict| async move {
        assert!(verdict.is_verified());
        Html(PAID)
    };
    let app = Router::new()
        .route("/form", get(|| async { Html(PAGE) }))
        .route("/favicon.ico", get(|| async {}))
        .route("/pay", post(paid).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .layer(noted)
        .merge(authsignal.routes());
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    Shop { site, posts, emulator }
}

impl Shop {
    /// Fills the form as somebody of their own and sends it, and confirms the challenge.
    async fn send_and_confirm(&self, ada: &Visitor, who: &str, form: &Value) {
        self.emulator.user(who).enroll_email_otp("ada@example.com");
        self.posts.lock().unwrap().clear();
        ada.open("/form").await;
        ada.evaluates(&format!("document.cookie = 'who={who}'")).await;
        self.send(ada, form).await;
        ada.confirms("Pay").await;
        ada.sees("One last step").await;
    }

    async fn send(&self, ada: &Visitor, form: &Value) {
        ada.sees("Form").await;
        ada.browser.execute(FILL, vec![form.clone()]).await.unwrap();
        ada.click("Send").await;
    }

    fn posts(&self) -> Vec<(String, Bytes)> {
        self.posts.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn t110_a_kept_form_comes_back_byte_for_byte() {
    let shop = shop().await;
    let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
    let forms = [
        ("plain", json!([["amount", "10"], ["to", "bob"]])),
        (
            "line breaks",
            json!([["a", "1\n2\r\n3\r4\n\n5\r\r6\n\r7"], ["b", "\n"], ["c", "\r\nx\r\n"], ["d\ne\rf", "g"]]),
        ),
        ("unicode", json!([["日本", "Zoë 💸 \u{fffd} e\u{301} \u{202e}abc \u{feff} \u{a0}\u{2028}\u{fffe}"]])),
        ("what forms and HTML are made of", json!([["a&b=c", "+ % & = * ~ ; %41 %2B &amp; &#10; \" ' < > ` \\ #"]])),
        ("blanks", json!([[" a ", "  b  "], ["\t", "\t\u{b}\u{c} "]])),
        ("empty values and doubles", json!([["a", ""], ["a", ""], ["b", "1"], ["a", "2"], ["b", "1"]])),
        (
            "what a page may not hold",
            json!([["a", "\u{1}\u{7f}\u{85}\u{1b}"], ["b", "</textarea></form><form action=//evil>"]]),
        ),
        ("nothing", json!([])),
    ];
    let encodings = [None, Some("multipart/form-data")];
    for (index, (why, fields, enctype)) in
        encodings.iter().flat_map(|enctype| forms.iter().map(move |(why, fields)| (why, fields, enctype))).enumerate()
    {
        shop.send_and_confirm(&ada, &format!("kept-{index}"), &json!([fields, null, enctype])).await;
        ada.click("Continue").await;
        ada.sees("Paid").await;
        let posts = shop.posts();
        assert_eq!(posts.len(), 2, "{why}");
        assert_eq!(without_boundary(&posts[0]), without_boundary(&posts[1]), "{why}");
        assert!(posts[0].0.starts_with(enctype.unwrap_or("application/x-www-form-urlencoded")), "{}", posts[0].0);
        assert_eq!(shop.emulator.calls(Endpoint::Track), index + 1, "{why}: one challenge");
    }
    println!("{} forms kept and posted again, each byte for byte", 2 * forms.len());
    ada.leaves().await;
}

/// A post with `B` for the boundary that each sending draws anew.
fn without_boundary((content_type, body): &(String, Bytes)) -> (String, String) {
    let body = body.escape_ascii().to_string();
    match content_type.split_once("boundary=") {
        Some((before, boundary)) => (before.to_owned(), body.replace(boundary, "B")),
        None => (content_type.clone(), body),
    }
}

const CHOOSE: &str = r#"
    const [name, content, type] = arguments;
    const chosen = new DataTransfer();
    chosen.items.add(new File([content], `${name}.bin`, { type }));
    const field = document.querySelector("[type=file]:not([hidden])");
    if (!field.required) throw new Error("it may be forgotten");
    field.files = chosen.files;
"#;

/// A file is named and not kept: chosen again on the page, or sent again from the form's, the same passes; another does not.
#[tokio::test]
async fn t110_a_file_is_chosen_again() {
    let shop = shop().await;
    let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
    let form = json!([
        [["to", "Bob\nBab"], ["receipt", "a\u{0}b", "application/pdf"], ["more", "", ""]],
        null,
        "multipart/form-data"
    ]);
    for (index, how) in ["chosen again", "sent again", "another"].into_iter().enumerate() {
        shop.send_and_confirm(&ada, &format!("file-{index}"), &form).await;
        let said = ada.text("main").await;
        assert!(said.contains("These could not be kept: Receipt (file).\nChoose the same again here"), "{said}");
        assert!(said.contains("receipt.bin"), "{said}");
        match how {
            "sent again" => {
                ada.click("Back to the form").await;
                shop.send(&ada, &form).await;
            }
            how => {
                let content = if how == "another" { "c" } else { "a\u{0}b" };
                let file = vec![json!("receipt"), json!(content), json!("application/pdf")];
                ada.browser.execute(CHOOSE, file).await.unwrap();
                ada.click("Continue").await;
            }
        }
        if how == "another" {
            ada.sees("Pay").await;
            assert_eq!(shop.emulator.calls(Endpoint::Track), 4, "it is challenged anew");
            break;
        }
        ada.sees("Paid").await;
        let posts = shop.posts();
        assert_eq!(posts.len(), 2, "{how}");
        assert_eq!(without_boundary(&posts[0]), without_boundary(&posts[1]), "{how}");
        assert_eq!(shop.emulator.calls(Endpoint::Track), index + 1, "{how}: one challenge");
    }
    ada.leaves().await;
}

#[tokio::test]
async fn t110_what_is_not_kept_is_said_and_passes_when_sent_again() {
    let shop = shop().await;
    let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
    let many: Vec<_> = (0..257).map(|number| json!([format!("f{number}"), "x"])).collect();
    let note = json!([["a", "café\n1"], ["b", "--\r\n"]]);
    let forms = [
        (
            "a file and a secret of two lines",
            json!([[["r", "x", "a/b"], ["my_pin", "1\n2"]], null, "multipart/form-data"]),
        ),
        ("NUL in a multipart form", json!([[["a", "b\u{0}c"]], null, "multipart/form-data"])),
        ("a long note", json!([[["to", "Bob"], ["note", "x".repeat(16 * 1024)]], null, "multipart/form-data"])),
        ("text", json!([note, null, "text/plain"])),
        ("another charset", json!([note, "windows-1252"])),
        ("what the browser fills in", json!([[["_charset_", ""], ["a", "1"]]])),
        ("NUL", json!([[["a", "b\u{0}c"]]])),
        ("a secret of two lines", json!([[["my_secret", "1\n2"]]])),
        ("many fields", json!([many])),
    ];
    for (index, (why, form)) in forms.iter().enumerate() {
        shop.send_and_confirm(&ada, &format!("not-kept-{index}"), form).await;
        let said = ada.text("main").await;
        assert!(said.contains("Send the same once more within"), "{why}: {said}");
        let named = match *why {
            "a file and a secret of two lines" => "My pin (line breaks or special characters), R (file).",
            "a long note" => "kept: Note (too long).",
            "text" | "many fields" => "such as a file",
            "what the browser fills in" => "Charset (line",
            "a secret of two lines" => "My secret (line",
            _ => "A (line breaks or special characters).",
        };
        assert!(said.contains(named), "{why}: {said}");
        ada.click("Back to the form").await;
        shop.send(&ada, form).await;
        ada.sees("Paid").await;
        let posts = shop.posts();
        assert_eq!(posts.len(), 2, "{why}");
        let is_multipart = posts[0].0.starts_with("multipart/form-data; boundary=");
        assert_eq!(
            posts[0] == posts[1],
            !is_multipart,
            "{why}: a multipart form has another boundary, and nothing else"
        );
        assert_eq!(shop.emulator.calls(Endpoint::Track), index + 1, "{why}: one challenge");
    }
    println!("{} forms not kept, each of which passed when it was sent again", forms.len());
    ada.leaves().await;
}

/// C8: of a multipart form, too, one who leaves the challenge and one who fails it are told so, and nothing is done; and what is
/// done leaves nothing in the address bar.
#[tokio::test]
async fn c8_a_challenge_of_a_multipart_form_that_is_left_is_told_from_one_that_failed() {
    let shop = shop().await;
    let ada = Visitor::arrive_at(shop.site.clone(), json!({})).await;
    let form = json!([[["to", "Bob"], ["receipt", "", ""]], null, "multipart/form-data"]);
    shop.send_and_confirm(&ada, "once", &form).await;
    assert!(!ada.address().await.as_str().contains("token="));
    ada.click("Continue").await;
    ada.sees("Paid").await;
    ada.is_at("/pay").await;
    assert_eq!(shop.posts().len(), 2, "challenged, and done");

    shop.emulator.user("leaver").enroll_email_otp("ada@example.com");
    ada.open("/form").await;
    ada.evaluates("document.cookie = 'who=leaver'").await;
    shop.send(&ada, &form).await;
    ada.leaves_and_then_fails("Pay").await;
    assert_eq!(shop.posts().len(), 3, "challenged, and nothing done");
    ada.leaves().await;
}
