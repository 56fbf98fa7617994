//! Answers that are not what they should be.
use axum_authsignal::client::ErrorKind;

use crate::support::{Call, Reply, Server};

const CAP: usize = 256 * 1024;

/// An answer of one chunk after another.
fn chunked(chunks: usize, size: usize) -> String {
    let chunk = format!("{size:x}\r\n{}\r\n", " ".repeat(size));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    format!("{head}{}0\r\n\r\n", chunk.repeat(chunks))
}

/// T74
#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let lie = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{}";
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", " ".repeat(CAP + 1));
    let table = [
        ("a length that is declared", Reply::SendAndHang(lie.into())),
        ("a length that is true", Reply::json(200, &" ".repeat(CAP + 1))),
        ("chunks", Reply::bytes(chunked(65, 4096))),
        ("one huge chunk", Reply::bytes(chunked(1, CAP * 4))),
        ("no length, then nothing more", Reply::SendAndHang(endless.into_bytes())),
    ];
    for (name, reply) in table {
        let server = Server::replying(reply).await;
        for call in Call::ALL {
            let error = call.make(&server.client()).await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::TooLarge, Some(200)), "{name}, {call:?}");
        }
        assert_eq!(server.requests().len(), Call::ALL.len(), "{name} is not repeated");
    }
    let longest = format!(r#"{{"isEnrolled":true}}{}"#, " ".repeat(CAP - 19));
    assert_eq!(longest.len(), CAP);
    let server = Server::replying(Reply::json(200, &longest)).await;
    Call::GetUser.make(&server.client()).await.unwrap();
}

/// T74: a refusal stays the refusal that it is, however much comes with it.
#[tokio::test]
async fn a_huge_refusal_is_a_refusal() {
    let server = Server::replying(Reply::with(403, "", &"x ".repeat(CAP))).await;
    let error = Call::GetUser.make(&server.client()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, Some(403)));
    assert!(error.excerpt().is_some_and(|excerpt| excerpt.len() <= 200));
}

/// T74
#[tokio::test]
async fn a_success_that_is_none() {
    let html = "<!doctype html><title>Sign in to the network</title>";
    let deep = format!(r#"{{"isEnrolled":{}"#, "[".repeat(100_000));
    let table = [
        ("a page", Reply::with(200, "Content-Type: text/html\r\n", html)),
        ("a page that claims to be JSON", Reply::json(200, html)),
        ("JSON that claims to be a page", Reply::with(200, "Content-Type: text/html\r\n", r#"{"isEnrolled":true}"#)),
        ("packed", Reply::with(200, "Content-Encoding: gzip\r\n", "\u{1f}\u{8b}")),
        ("empty", Reply::json(200, "")),
        ("empty, and says so", Reply::bytes("HTTP/1.1 204 No Content\r\n\r\n")),
        ("half", Reply::json(200, r#"{"isEnrolled":"#)),
        ("deep", Reply::json(200, &deep)),
        (
            "twice",
            Reply::json(
                200,
                r#"{"isEnrolled":true,"isEnrolled":false,"state":"A","state":"B","isValid":true,"isValid":false,"authenticator":1}"#,
            ),
        ),
        ("other types", Reply::json(200, r#"{"isEnrolled":"true","state":1,"isValid":"true","authenticator":[]}"#)),
        ("a list", Reply::json(200, "[]")),
        ("too short for its length", Reply::with(200, "", r#"{"isEnrolled":true}"#).cut(5)),
        ("chunks without an end", Reply::bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")),
    ];
    for (name, reply) in table {
        let server = Server::replying(reply).await;
        let client = server.builder().retries(0).build().unwrap();
        for call in Call::ALL {
            let error = call.make(&client).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Malformed, "{name}, {call:?}: {error:?}");
            assert!(!error.is_retryable() && error.retry_after().is_none(), "{name}");
        }
    }
}

#[tokio::test]
async fn what_is_no_http_is_an_interruption() {
    for text in ["\0\0\0\0\0\0\0\0", "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        let server = Server::replying(Reply::bytes(text)).await;
        let client = server.builder().retries(0).build().unwrap();
        for call in Call::ALL {
            assert_eq!(call.make(&client).await.unwrap_err().kind(), ErrorKind::Interrupted, "{text:?}, {call:?}");
        }
    }
}

/// T75
#[tokio::test]
async fn redirects_are_not_followed() {
    let canary = Server::replying(Reply::json(200, r#"{"isEnrolled":true,"isValid":true}"#)).await;
    for status in [300, 301, 302, 303, 304, 307, 308, 399] {
        let headers = format!("Location: http://{}/v1/users/user-1\r\n", canary.host());
        let server = Server::replying(Reply::with(status, &headers, "")).await;
        for call in Call::ALL {
            let error = call.make(&server.client()).await.unwrap_err();
            assert_eq!((error.kind(), error.status()), (ErrorKind::Redirected, Some(status)), "{call:?}");
        }
        assert_eq!(server.requests().len(), Call::ALL.len());
    }
    assert_eq!(canary.connections(), 0);
}

/// The error bodies of the service and of what stands in front of it, as every call tells them.
#[tokio::test]
async fn what_an_error_tells() {
    let body = r#"{"error":"not_found","errorCode":"not_found","errorDescription":"no such action"}"#;
    let server = Server::replying(Reply::json(404, body)).await;
    for call in Call::ALL {
        let error = call.make(&server.client()).await.unwrap_err();
        assert!(error.is_not_found() && !error.is_retryable() && !error.is_timeout());
        assert_eq!((error.code(), error.description()), (Some("not_found"), Some("no such action")));
        assert_eq!(error.to_string(), "authsignal refused the request (404 not_found)");
        assert_eq!(error.excerpt(), None);
    }
}
