//! T97: no secret in anything that can be printed, whatever the service sends back.
use std::error::Error as _;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_client::Client;
use authsignal_client::{
    CallConnect, CreateSession, EnrollVerified, Error, QueryUsers, Token, Track, Validate, ValidateSession,
    VerificationMethod, VerifiedCredential, Verify,
};
use percent_encoding::percent_decode_str;
use tracing_subscriber::fmt::MakeWriter;

use crate::calls::{Api, Call, OTP_URI, Settings, TOKEN};
use crate::support::{Reply, Request, Server};

const SECRET: &str = "CANARY-1";
/// base64 of `CANARY-1:`
const BASIC: &str = "Q0FOQVJZLTE6";

type Script = fn(&Request) -> Reply;

fn settings() -> Settings {
    Settings { secret: SECRET, retries: 0, ..Settings::default() }
}

fn printed(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

fn printed_error(error: &Error) -> String {
    let mut text = format!("{error} {}", printed(error));
    for told in [error.code(), error.description(), error.excerpt()].into_iter().flatten() {
        text.push_str(told);
    }
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("{error} {}", printed(&error)));
        source = error.source();
    }
    text
}

fn assert_clean(name: &str, text: &str) {
    for canary in [BASIC, "CANARY"] {
        assert!(!text.contains(canary), "{name} shows {canary}: {text}");
    }
}

/// Every secret that the request carried, thrown back at us, as it came and as it is meant.
fn echo(request: &Request) -> String {
    let words = request.target().split(['?', '&', '=']).chain(request.body.split('"'));
    let mut echo = format!("{} {SECRET}", request.header("authorization").unwrap_or_default());
    for word in words.filter(|word| word.contains("CANARY")) {
        let meant = percent_decode_str(word).decode_utf8_lossy();
        let within = word.rsplit("secret=").next().unwrap_or_default();
        echo.push_str(&format!(" {word} {meant} {within}"));
    }
    echo
}

#[test]
fn what_carries_a_canary_is_thrown_back() {
    let line = "GET /v1/users?token=CANARY%2F HTTP/1.1".to_owned();
    let request = Request { line, headers: Vec::new(), body: r#"{"a":"x?secret=CANARY3"}"#.to_owned() };
    for part in ["CANARY%2F", "CANARY/", "x?secret=CANARY3", " CANARY3"] {
        assert!(echo(&request).contains(part), "{part}");
    }
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let replies: [(&str, Script); 14] = [
        ("200, text", |request| Reply::json(200, &echo(request))),
        ("200, page", |request| Reply::with(200, "Content-Type: text/html\r\n", &echo(request))),
        ("200, wrong type", |request| Reply::json(200, &mistyped(request))),
        ("200, wrong type in a list", |request| Reply::json(200, &format!("[{}]", mistyped(request)))),
        ("200, in a name", |request| {
            let name = format!(r#""{}":1"#, echo(request));
            Reply::json(200, &format!(r#"{{"isEnrolled":1,"state":1,"isValid":1,"users":[{{{name}}}],{name}}}"#))
        }),
        ("200, and it failed", |request| {
            let echo = echo(request);
            Reply::json(200, &format!(r#"{{"error":"{echo}","errorCode":"{echo}","errorDescription":"{echo}"}}"#))
        }),
        ("200, cut", |request| {
            Reply::bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}", echo(request)))
        }),
        ("400", |request| {
            Reply::json(400, &format!(r#"{{"errorCode":"{0}","errorDescription":"no {0} here"}}"#, echo(request)))
        }),
        ("401", |request| {
            Reply::json(401, &format!(r#"{{"error":"unauthorized","message":"bad {0}"}}"#, echo(request)))
        }),
        ("403, text", |request| Reply::with(403, "", &echo(request))),
        ("500, object", |request| Reply::json(500, &format!(r#"{{"request":"{0}"}}"#, echo(request)))),
        ("302", |request| Reply::with(302, &format!("Location: http://127.0.0.1:1/{SECRET}\r\n"), &echo(request))),
        ("hang up", |_| Reply::hang_up()),
        ("no HTTP", |request| Reply::bytes(echo(request))),
    ];
    for (name, reply) in replies {
        let server = Server::start(move |_, request| reply(request)).await;
        let api = server.api_with(settings());
        for call in Call::ALL {
            let told = call.make(&api).await.unwrap_or_else(|error| printed_error(&error));
            assert_clean(&format!("{name}, {call:?}"), &told);
        }
    }
}

/// Members of every answer, each made a text that holds what the request carried.
fn mistyped(request: &Request) -> String {
    let members = "isEnrolled users total failures authenticator authenticatorId isActive user expiresAt deviceId token \
                   userAuthenticatorId isValid isVerified success accessToken";
    let echo = echo(request);
    let members: Vec<_> = members.split_whitespace().map(|name| format!(r#""{name}":["{echo}"]"#)).collect();
    format!(r#"{{{},"state":["{echo}"]}}"#, members.join(","))
}

#[tokio::test]
async fn no_error_without_an_answer_shows_a_secret() {
    let server = Server::replying(Reply::hang()).await;
    let silent = server.api_with(Settings { deadline: Duration::from_millis(200), ..settings() });
    let dead = Api::new("http://127.0.0.1:1".to_owned(), settings());
    for call in [Call::QueryUsers, Call::Validate, Call::Start] {
        assert_clean("timeout", &printed_error(&call.make(&silent).await.unwrap_err()));
        assert_clean("connect", &printed_error(&call.make(&dead).await.unwrap_err()));
    }
    let client = server.client();
    assert_clean("input", &printed_error(&client.get_user("CANARY\n").await.unwrap_err()));
    assert_clean("input", &printed_error(&client.track("u", Track::new("CANARY 5")).await.unwrap_err()));
    let credential = VerifiedCredential::new("CANARY\n", "CANARY", "CANARY");
    let error = client.batch_enroll_verified_authenticators([credential]).await.unwrap_err();
    assert_clean("input", &printed_error(&error));
}

#[test]
fn no_request_and_no_client_shows_a_secret() {
    let builder = Client::builder(SECRET);
    let calls = CallConnect::builder(SECRET);
    let texts = [
        printed(&builder),
        printed(&builder.build().unwrap()),
        printed(&calls),
        printed(&calls.build().unwrap()),
        printed(&EnrollVerified::new(VerificationMethod::AuthenticatorApp).otp_uri(OTP_URI)),
        printed(&VerifiedCredential::new("user-1", "q83v", "CANARY")),
        printed(&Validate::new(TOKEN)),
        printed(&Verify::new("c-1", "CANARY")),
        printed(&CreateSession::new(TOKEN, "client-1")),
        printed(&ValidateSession::new(TOKEN)),
        printed(&QueryUsers::new().token(TOKEN)),
        printed(&Token::new("CANARY")),
    ];
    for text in texts {
        assert_clean("debug", &text);
    }
}

/// Tokens, challenge URLs and recovery codes: an answer hides what it holds.
#[tokio::test]
async fn no_answer_shows_a_token() {
    let server = Server::start(|_, request| Reply::good(request)).await;
    let api = server.api();
    for call in Call::ALL {
        assert_clean(&format!("{call:?}"), &call.make(&api).await.unwrap());
    }
    let page = server.client().query_users(QueryUsers::new().token("CANARY.5/+=")).await.unwrap();
    assert_clean("the query within the page", &printed(&page));
}

/// A recovery code looks like a word, and so may a token, so nothing is shown of an answer that may hold one.
#[tokio::test]
async fn a_malformed_answer_shows_no_code_and_no_token() {
    for (name, reply) in [
        ("nothing else", r#"{"recoveryCodes":["CANARY"],"accessToken":"CANARY","Token":"CANARY"}"#),
        ("no list", r#"{"recoveryCodes":"CANARY","accessToken":["CANARY"],"token":["CANARY"]}"#),
        ("no object", r#"["CANARY"]"#),
        ("no JSON", "CANARY"),
    ] {
        for reply in [Reply::json(200, reply), Reply::json(200, reply).cut(1)] {
            let server = Server::replying(reply).await;
            let api = server.api_with(settings());
            for call in [Call::Enroll, Call::Claim, Call::CreateSession, Call::RefreshSession] {
                let error = call.make(&api).await.unwrap_err();
                assert_clean(&format!("{name}, {call:?}"), &printed_error(&error));
                assert_eq!(error.excerpt(), Some("[withheld]"), "{name}, {call:?}");
            }
        }
    }
}

/// A log that tests read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Whatever is logged, at every level, by us and by the HTTP client below: an ID token is in the URL of a query.
#[tokio::test]
async fn no_secret_is_logged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let server = Server::start(|before, request| match before % 2 {
        0 => Reply::with(429, "Retry-After: 0\r\n", &echo(request)),
        _ => Reply::good(request),
    })
    .await;
    // The budget of one client is enough for a few calls.
    for calls in Call::ALL.chunks(8) {
        let api = server.api_with(Settings { retries: 1, ..settings() });
        for call in calls {
            call.make(&api).await.unwrap();
        }
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(logged.matches("authsignal call is repeated").count(), Call::ALL.len());
    assert_clean("the log", &logged);
}
