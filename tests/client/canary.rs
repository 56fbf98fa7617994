//! T97: no secret in anything that can be printed, whatever the service sends back.
use std::error::Error as _;
use std::fmt::Debug;
use std::time::Duration;

use axum_authsignal::Client;
use axum_authsignal::client::{EnrollVerified, Error, Token, Track, Validate, VerificationMethod};

use crate::support::{Reply, Request, Server};

const SECRET: &str = "CANARY-1";
/// base64 of `CANARY-1:`
const BASIC: &str = "Q0FOQVJZLTE6";
const TOKEN: &str = "CANARY.2";
const OTP_URI: &str = "otpauth://totp/x?secret=CANARY3";
const USER: &str = "CANARY4";

type Script = fn(&Request) -> Reply;

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
    for canary in [SECRET, BASIC, TOKEN, "CANARY3", USER, "CANARY"] {
        assert!(!text.contains(canary), "{name} shows {canary}: {text}");
    }
}

/// Every secret that the request carried, thrown back at us. The user's id is none, and what a service says about it is
/// not ours to change.
fn echo(request: &Request) -> String {
    let authorization = request.header("authorization").unwrap_or_default();
    let carried = match request.line.as_str() {
        line if line.contains("/validate ") => TOKEN,
        line if line.contains("/authenticators ") => "otpauth://totp/x?secret=CANARY3 and CANARY3",
        _ => "",
    };
    format!("{authorization} {SECRET} {carried}")
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let replies: [(&str, Script); 12] = [
        ("200, text", |request| Reply::json(200, &echo(request))),
        ("200, page", |request| Reply::with(200, "Content-Type: text/html\r\n", &echo(request))),
        ("200, wrong type", |request| {
            Reply::json(
                200,
                &format!(
                    r#"{{"isEnrolled":"{0}","state":["{0}"],"authenticator":"{0}","isValid":"{0}"}}"#,
                    echo(request)
                ),
            )
        }),
        ("200, in a name", |request| {
            Reply::json(200, &format!(r#"{{"isEnrolled":1,"state":1,"isValid":1,"{}":1}}"#, echo(request)))
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
        let builder = Client::builder(SECRET).base_url(format!("http://{}", server.host())).retries(0);
        assert_clean(name, &printed(&builder));
        let client = builder.deadline(Duration::from_secs(60)).build().unwrap();
        assert_clean(name, &printed(&client));
        let otp = EnrollVerified::new(VerificationMethod::AuthenticatorApp).otp_uri(OTP_URI);
        assert_clean(name, &printed(&otp));
        let validate = Validate::new(TOKEN);
        assert_clean(name, &printed(&validate));
        match client.validate_challenge(validate).await {
            Ok(validated) => assert_clean(name, &printed(&validated)),
            Err(error) => assert_clean(name, &printed_error(&error)),
        }
        assert_clean(name, &printed_error(&client.get_user(USER).await.unwrap_err()));
        assert_clean(name, &printed_error(&client.enroll_verified_authenticator(USER, otp).await.unwrap_err()));
    }
}

#[tokio::test]
async fn no_error_without_an_answer_shows_a_secret() {
    let server = Server::replying(Reply::hang()).await;
    let base = format!("http://{}", server.host());
    let client = Client::builder(SECRET).base_url(base).deadline(Duration::from_millis(200)).build().unwrap();
    assert_clean("timeout", &printed_error(&client.get_user(USER).await.unwrap_err()));
    let dead = Client::builder(SECRET).base_url("http://127.0.0.1:1/").retries(0).build().unwrap();
    assert_clean("connect", &printed_error(&dead.get_user(USER).await.unwrap_err()));
    let input = format!("{USER}\n");
    assert_clean("input", &printed_error(&client.get_user(&input).await.unwrap_err()));
    assert_clean("input", &printed_error(&client.track("u", Track::new("CANARY 5")).await.unwrap_err()));
}

#[tokio::test]
async fn no_answer_shows_a_token() {
    let server = Server::start(|_, request| {
        let body = if request.line.contains("/authenticators") {
            r#"{"authenticator":{"userAuthenticatorId":"a","verificationMethod":"SMS","createdAt":"t"},"recoveryCodes":["CANARY-6"]}"#.to_owned()
        } else {
            let key = request.key();
            format!(r#"{{"state":"ALLOW","idempotencyKey":"{key}","url":"https://mfa/?token=CANARY","token":"CANARY"}}"#)
        };
        Reply::json(200, &body)
    })
    .await;
    let client = server.client();
    assert_clean("tracked", &printed(&client.track("u", "a").await.unwrap()));
    let request = EnrollVerified::new(VerificationMethod::Sms);
    assert_clean("enrolled", &printed(&client.enroll_verified_authenticator("u", request).await.unwrap()));
    assert_clean("token", &printed(&Token::new("CANARY")));
}

/// A recovery code looks like a word, so nothing is shown of an answer that may hold some.
#[tokio::test]
async fn a_malformed_enrolment_shows_no_recovery_code() {
    for (name, reply) in [
        ("no authenticator", Reply::json(200, r#"{"recoveryCodes":["CANARY"]}"#)),
        ("no list", Reply::json(200, r#"{"recoveryCodes":"CANARY"}"#)),
        ("no object", Reply::json(200, r#"["CANARY"]"#)),
        ("no JSON", Reply::with(200, "Content-Type: text/plain\r\n", "CANARY")),
        ("cut", Reply::bytes("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"recoveryCodes\":[\"CANARY\"")),
    ] {
        let server = Server::replying(reply).await;
        let request = EnrollVerified::new(VerificationMethod::Sms);
        let error = server.client().enroll_verified_authenticator("u", request).await.unwrap_err();
        assert_clean(name, &printed_error(&error));
    }
}
