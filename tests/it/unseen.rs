//! Characters that nobody sees, wherever people decide by a text or read a log: they stand there by their numbers.
use authsignal_emulator::{Endpoint, Fault};
use axum_authsignal::RefusalReason;

use crate::logs::Log;
use crate::resume::unescape;
use crate::support::{bench, bench_with, get, json, post};
use crate::transactions::{of_json, with_app};

/// T21: what a kept form shows is all that it sends, its names and those of its files too; and it is sent as it was.
#[tokio::test]
async fn t21_a_kept_form_has_nothing_unseen() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    let part = |rest: &str| format!("--B\r\nContent-Disposition: form-data; name={rest}\r\n");
    let body = [
        part("\"to\u{200b}\"\r\n\r\nbob\u{202e}\r\nb"),
        part("\"pass\u{2060}word\"\r\n\r\nx"),
        part("\"annex\u{feff}\"; filename=\"x\u{202e}fdp.exe\"\r\nContent-Type: text/plain\r\n\r\ny"),
        "--B--\r\n".to_owned(),
    ];
    let posted = post("/pay", "multipart/form-data; boundary=B", body.concat()).navigating();
    let challenge = ada.challenge(&posted).await;
    let back = ada.send(&bench.prove(&challenge)).await;
    let page = ada.send(&get(back.location()).navigating()).await;
    let html = page.text();
    let (seen, form) = html.split_once("<form").expect(html);
    for shown in ["<bdi>To[U+200B]</bdi>", "<bdi>bob[U+202E]\nb</bdi>", "<bdi>x[U+202E]fdp.exe</bdi>", "Annex[U+FEFF]"]
    {
        assert!(seen.contains(shown), "{shown}: {html}");
    }
    for label in ["<span>Pass[U+2060]word</span>", "<span>Annex[U+FEFF]</span>"] {
        assert!(form.contains(label), "{label}: {html}");
    }
    let sent = unescape(form);
    for exact in
        ["name=\"to\u{200b}\" value=\"bob\u{202e}\r\nb\"", "name=\"pass\u{2060}word\"", "name=\"annex\u{feff}\""]
    {
        assert!(sent.contains(exact), "{exact}: {html}");
    }
    let unseen = seen.chars().filter(|char| "\u{200b}\u{202e}\u{2060}\u{feff}".contains(*char)).count();
    assert_eq!(unseen, 0, "{html}");
}

/// T21: a line of the log reads as it is: users that are named there, and addresses.
#[tokio::test]
async fn t21_a_line_of_the_log_has_nothing_unseen() {
    let log = Log::default();
    let _listening = log.listen();
    let bench = bench_with(|builder| builder.log_user_ids(true)).await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
    let mut user = bench.visitor("ada\u{202e}\u{200b}");
    user.send(&json("/pay", "{}")).await.assert_refused(&RefusalReason::State("BLOCK".into()));
    let text = log.text();
    assert!(text.contains("user_id=ada[U+202E][U+200B]"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
    let uri = "/cb?token=x&to=\u{202e}bob".parse::<http::Uri>().unwrap();
    assert_eq!(axum_authsignal::redacted_uri(&uri), "/cb?to=[U+202E]bob");
}

/// T21: the sentence of a problem reads as it is; the field that it names for programs is the one that was sent.
#[tokio::test]
async fn t21_a_problem_says_nothing_unseen() {
    let (_bench, _, mut ada) = with_app().await;
    let reply = ada.send(&of_json("/transfer", "{\"to\":\"bob\",\"amount\":1,\"x\u{202e}y\":1}")).await;
    let problem: serde_json::Value = serde_json::from_str(reply.text()).unwrap();
    assert_eq!(problem["path"], "x\u{202e}y");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("Nothing was done: x[U+202E]y: "), "{detail}");
}
