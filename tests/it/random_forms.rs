//! Random forms, proved and posted again, come back to their handlers equal, whatever extractor reads them.
//!
//! A share of them with every run of the tests; ten thousand by
//! `FORMS=10000 cargo test --test it random_forms -- --nocapture`, another run's by `FORMS_SEED`.
use axum::Router;
use axum::body::Body;
use axum::extract::{Form, Multipart, RawForm};
use axum::http::Request;
use axum::routing::post as posting;
use axum_authsignal::AuthsignalLayer;
use tower::ServiceExt as _;

use crate::resume::{attribute, unescape};
use crate::support::{Ask, MINUTE, Reply, Visitor, builder_of, clock, get, post};
use made::{Field, Made, Random};

mod made;

/// How many with every run.
const SHARE: usize = 400;

/// What an extractor gives for each field: its name, its file's name and type, and its content.
fn shown(name: Option<&str>, file: Option<&str>, content_type: Option<&str>, content: &[u8]) -> String {
    format!("{name:?} {file:?} {content_type:?} {:?}\n", content.escape_ascii().to_string())
}

async fn pairs(Form(pairs): Form<Vec<(String, String)>>) -> String {
    pairs.iter().map(|(name, value)| shown(Some(name), None, None, value.as_bytes())).collect()
}

async fn raw(RawForm(raw): RawForm) -> String {
    raw.escape_ascii().to_string()
}

async fn parts(mut form: Multipart) -> String {
    let mut all = String::new();
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return all,
            // Such as of a name with a control character.
            Err(error) => return format!("{all}{error}"),
        };
        let [name, file, content_type] =
            [field.name(), field.file_name(), field.content_type()].map(|text| text.map(str::to_owned));
        let content = field.bytes().await.unwrap();
        all += &shown(name.as_deref(), file.as_deref(), content_type.as_deref(), &content);
    }
}

/// The handlers, guarded or bare.
fn routes(layer: Option<&AuthsignalLayer>) -> Router {
    let routes =
        Router::new().route("/pairs", posting(pairs)).route("/raw", posting(raw)).route("/parts", posting(parts));
    match layer {
        Some(layer) => routes.route_layer(layer.clone()),
        None => routes,
    }
}

/// What the page's form sends, its secrets typed and its files chosen as they were sent first.
fn posted_again(page: &Reply, made: &Made, boundary: &str) -> Ask {
    let html = page.text().split_once("<form").expect("a form").1.split_once("</form>").unwrap().0;
    // As HTML is read.
    let read =
        |tag: &str, name: &str| attribute(tag, name).map(|value| value.replace("\r\n", "\n").replace('\r', "\n"));
    let mut fields = Vec::new();
    for (tag, sent) in html.split("<input").skip(1).zip(&made.fields) {
        let tag = tag.split('>').next().unwrap();
        let name = read(tag, "name").unwrap();
        let file = match &sent.file {
            Some(file) if !tag.contains(" hidden") => Some(file.clone()),
            Some(_) => Some(made::File::default()),
            None => None,
        };
        let value = read(tag, "value").unwrap_or_else(|| sent.value.clone());
        assert_eq!(tag.contains("type=\"file\""), file.is_some(), "{tag}");
        fields.push(Field { name, value, file });
    }
    let again = Made { fields, is_multipart: html.contains("enctype=\"multipart/form-data\"") };
    assert_eq!(again.fields.len(), made.fields.len());
    sent(&unescape(&attribute(html, "action").unwrap()), &again, boundary)
}

fn sent(target: &str, form: &Made, boundary: &str) -> Ask {
    let (content_type, body) = form.encode(boundary);
    post(target, &content_type, body).navigating().header("sec-fetch-site", "same-origin")
}

async fn text(app: &Router, ask: &Ask) -> String {
    let request = Request::post(&ask.target).header("content-type", &ask.headers["content-type"]);
    let reply =
        Reply::of(app.clone().oneshot(request.body(Body::from(ask.body.clone())).unwrap()).await.unwrap()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.text().to_owned()
}

/// C1: of random forms each value is what it was when its handler gets it. Which of them a page may post again is said beside
/// it: the others are sent once more by their users, and are the same then.
#[tokio::test]
async fn t110_random_forms_come_back_equal() {
    let read = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect(name));
    let count = read("FORMS").map_or(SHARE, |count| usize::try_from(count).unwrap());
    let seed = read("FORMS_SEED").unwrap_or(10);
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let clock = clock();
    let emulator = authsignal_emulator::Emulator::builder().clock(clock.clone()).in_process().unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let authsignal = builder_of(emulator.client(), &clock).build().unwrap();
    let app = routes(Some(&AuthsignalLayer::new(&authsignal, "pay"))).merge(authsignal.routes());
    let bare = routes(None);
    let (mut again, mut chosen, mut by_hand) = ([0, 0], 0, 0);
    for number in 0..count {
        let made = random.form();
        let boundary = |which: &str| format!("----WebKitFormBoundary{which}{number:012}");
        let target = if made.is_multipart { "/parts" } else { ["/pairs", "/raw"][number % 2] };
        let first = sent(target, &made, &boundary("once"));
        let want = text(&bare, &first).await;
        let mut ada = Visitor::new(&app, "ada");
        let challenge = ada.challenge(&first).await;
        let back = ada.send(&crate::support::way_back(&emulator.succeed(&challenge).unwrap())).await;
        let page = ada.send(&get(back.location()).navigating()).await;
        let second = if page.text().contains("<form") {
            again[usize::from(made.is_multipart)] += 1;
            chosen += usize::from(page.text().contains("type=\"file\" name") && page.text().contains(" required"));
            posted_again(&page, &made, &boundary("more"))
        } else {
            assert!(!made.is_kept(), "number {number} of seed {seed}: {made:?}\n{}", page.text());
            by_hand += 1;
            sent(target, &made, &boundary("more"))
        };
        let got = ada.send(&second).await;
        assert_eq!((got.status, got.text()), (200, &*want), "number {number} of seed {seed}: {made:?}");
        if number % 100 == 99 {
            clock.advance(MINUTE * 30);
            emulator.clear_received_requests();
        }
    }
    let [urlencoded, multipart] = again;
    println!(
        "{count} random forms equal: {urlencoded} urlencoded and {multipart} multipart posted again by the page, {chosen} of these \
         with files chosen again; {by_hand} sent again by their users"
    );
    assert!(urlencoded > count / 4 && multipart > count / 4 && chosen > count / 20 && by_hand > count / 40);
}
