//! A kept corpus of ids that parsers, databases and eyes take for others: each reaches the service as itself, or not at all.
//!
//! One JSON object a line: its class, the id, and why it is refused, if it is. `tests/it/user_ids.rs` of the layer reads it as well.
use std::collections::HashMap;

use authsignal_client::{CustomData, ErrorKind, Track};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::support::{Reply, Server};

const CORPUS: &str = include_str!("../user_ids.jsonl");

/// The user id that a server reads out of a request's first line, and a URL parser on the way to it changes nothing of.
fn read_back(target: &str) -> String {
    let path = target.strip_prefix("POST ").expect("a track is posted");
    let url = url::Url::parse(&format!("http://host{path}")).expect("a URL");
    assert_eq!(url.as_str(), format!("http://host{path}"), "a URL parser reads something else");
    let segments: Vec<_> = url.path_segments().expect("a path").collect();
    let ["v1", "users", user, "actions", "pay"] = segments[..] else { panic!("{path}") };
    percent_decode_str(user).decode_utf8().expect("UTF-8").into_owned()
}

/// T70, T71: no two ids share an address, each reads back as itself, and as an attribute every text arrives as it is.
#[tokio::test]
#[allow(clippy::print_stdout, reason = "a test that counts says what it counted")]
async fn t70_t71_ids_of_a_corpus_are_one_to_one_or_refused() {
    let server = Server::start(|_, request| {
        Reply::json(200, &json!({ "state": "ALLOW", "idempotencyKey": request.key() }).to_string())
    })
    .await;
    let client = server.client();
    let (mut addresses, mut refused, mut tried) = (HashMap::new(), 0, 0);
    for line in CORPUS.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let (class, id) = (&entry["class"], entry["id"].as_str().unwrap());
        let data = CustomData::new().with("text", id).with(format!("name {id}"), true);
        let track = |data: CustomData| {
            let texts = Track::new("pay").email(id).phone_number(id).username(id).user_agent(id);
            texts.device_id(id).ip_address(id).locale(id).redirect_url(id).custom(data)
        };
        let before = server.requests().len();
        let answer = client.track(id, track(data.clone())).await;
        tried += 1;
        if let Some(why) = entry["refused"].as_str() {
            let error = answer.unwrap_err();
            let words = match why {
                "empty" => "it is empty",
                "control" => "it holds a control character",
                "dots" => "it is `.` or `..`",
                "too long" => "at most 1024",
                _ => panic!("{why}"),
            };
            assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(words), "{id:?}: {error}");
            assert_eq!(server.requests().len(), before, "{id:?} is sent to nobody");
            refused += 1;
            // What is no id may still be an attribute.
            client.track("ada", track(data)).await.unwrap();
        } else {
            answer.unwrap_or_else(|error| panic!("{class} {id:?}: {error}"));
        }
        let sent = server.requests().pop().unwrap();
        if entry["refused"].is_null() {
            assert_eq!(read_back(sent.target()), id, "{class}");
            let other = addresses.insert(sent.target().to_ascii_lowercase(), id.to_owned());
            assert!(other.is_none_or(|other| other.eq_ignore_ascii_case(id)), "{id:?} shares its address");
        }
        let body = sent.json();
        for member in
            ["email", "phoneNumber", "username", "userAgent", "deviceId", "ipAddress", "locale", "redirectUrl"]
        {
            assert_eq!(body[member], id, "{class} as {member}");
        }
        assert_eq!(body["custom"], json!({ "text": id, format!("name {id}"): true }), "{class}");
    }
    println!("{tried} ids: {} one to one, {refused} refused; {} attributes as they were", tried - refused, tried * 10);
    assert!(tried >= 500);
}
