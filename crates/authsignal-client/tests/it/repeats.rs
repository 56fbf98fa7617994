//! What is repeated, how often, and within what time.
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ErrorKind, Track};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

use crate::calls::{Api, Call, Settings};
use crate::support::{Reply, Server};

/// Makes every call against a server with one reply: what kind of error each ends in, after how many requests.
async fn tries(reply: Reply) -> Vec<(Call, ErrorKind, usize)> {
    let server = Server::replying(reply).await;
    let mut all = JoinSet::new();
    // The budget of one client is enough for a few calls.
    for calls in Call::ALL.chunks(4) {
        let api = Arc::new(server.api());
        for call in calls {
            let api = api.clone();
            all.spawn(async move {
                let error = call.make(&api).await.expect_err("no reply here is a good one");
                (*call, error.kind())
            });
        }
    }
    let ends = all.join_all().await;
    let requests = server.requests();
    let count = |call: Call| requests.iter().filter(|request| Call::of(request) == call).count();
    ends.into_iter().map(|(call, kind)| (call, kind, count(call))).collect()
}

#[tokio::test]
async fn only_what_is_safe_is_repeated() {
    let again = "Retry-After: 0\r\n";
    // name, reply, kind, requests where repeating is safe, requests where it is not
    let table = [
        ("lost", Reply::hang_up(), ErrorKind::Interrupted, 3, 1),
        ("lost in the head", Reply::bytes("HTTP/1.1 200 O"), ErrorKind::Interrupted, 3, 1),
        ("lost in the body", Reply::bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), ErrorKind::Malformed, 3, 1),
        ("500", Reply::json(500, "{}"), ErrorKind::Server, 3, 1),
        ("501", Reply::json(501, "{}"), ErrorKind::Server, 1, 1),
        ("502", Reply::json(502, "{}"), ErrorKind::Server, 3, 1),
        ("503", Reply::json(503, "{}"), ErrorKind::Server, 3, 1),
        ("504", Reply::json(504, "{}"), ErrorKind::Server, 3, 1),
        ("429", Reply::json(429, "{}"), ErrorKind::RateLimited, 1, 1),
        ("429, now", Reply::with(429, again, ""), ErrorKind::RateLimited, 3, 3),
        ("429, later", Reply::with(429, "Retry-After: 3600\r\n", ""), ErrorKind::RateLimited, 1, 1),
        ("503, later", Reply::with(503, "Retry-After: 3600\r\n", ""), ErrorKind::Server, 1, 1),
        ("404, now", Reply::with(404, again, ""), ErrorKind::Rejected, 1, 1),
        ("401", Reply::json(401, "{}"), ErrorKind::Unauthorized, 1, 1),
        ("200, not JSON", Reply::json(200, "<html>"), ErrorKind::Malformed, 1, 1),
    ];
    let mut rows = JoinSet::new();
    for (name, reply, kind, safe, other) in table {
        rows.spawn(async move { (name, kind, safe, other, tries(reply).await) });
    }
    for (name, kind, safe, other, got) in rows.join_all().await {
        assert_eq!(got.len(), Call::ALL.len());
        for (call, got, requests) in got {
            assert_eq!((got, requests), (kind, if call.is_safe() { safe } else { other }), "{name}, {call:?}");
        }
    }
}

#[tokio::test]
async fn a_track_keeps_its_key_over_its_tries() {
    let server = Server::start(|before, request| match before {
        0 => Reply::hang_up(),
        1 => Reply::json(503, ""),
        _ => Reply::good(request),
    })
    .await;
    let tracked = server.client().track("user-1", "withdrawal").await.unwrap();
    let keys: Vec<_> = server.requests().iter().map(|request| request.key()).collect();
    assert_eq!(keys, vec![tracked.idempotency_key.as_str(); 3]);
}

#[tokio::test]
async fn retries_can_be_turned_off() {
    for (retries, expected) in [(0, 1), (1, 2)] {
        let server = Server::replying(Reply::json(503, "")).await;
        let client = server.builder().retries(retries).build().unwrap();
        client.get_user("u").await.unwrap_err();
        assert_eq!(server.requests().len(), expected, "{retries}");
    }
}

/// A connection that never gets to the point of sending anything, here through a TLS handshake that is cut off, is
/// tried again for every call.
#[tokio::test]
async fn what_was_not_sent_is_always_repeated() {
    let mut all = JoinSet::new();
    for call in Call::ALL {
        all.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let origin = format!("https://{}", listener.local_addr().unwrap());
            let accepted = tokio::spawn(async move {
                for _ in 0..3 {
                    drop(listener.accept().await.unwrap());
                }
            });
            let error = call.make(&Api::new(origin, Settings::default())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Connect, "{call:?}");
            assert!(error.is_connect() && error.is_retryable() && error.status().is_none());
            accepted.await.unwrap();
        });
    }
    all.join_all().await;
}

#[tokio::test]
async fn nobody_listens() {
    // Bound and not listening: refused, and nobody else gets the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let origin = format!("http://{}", socket.local_addr().unwrap());
    let error = Call::Track.make(&Api::new(origin, Settings::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test]
async fn the_deadline_covers_a_service_that_is_silent() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    for (name, reply) in [("before the head", Reply::hang()), ("in the body", Reply::SendAndHang(head.into()))] {
        let server = Server::replying(reply).await;
        let api = server.api_with(Settings { deadline: Duration::from_millis(300), ..Settings::default() });
        let error = Call::Track.make(&api).await.unwrap_err();
        assert!(error.is_timeout() && error.is_retryable(), "{name}: {error:?}");
        assert!(server.requests().len() <= 1, "{name}");
    }
}

/// A connection of the pool that somebody in between has forgotten: it takes what is sent and answers nothing. Where
/// repeating is safe, it costs half of the deadline and not all of it.
#[tokio::test]
async fn a_silent_pooled_connection_does_not_take_the_whole_deadline() {
    let mut all = JoinSet::new();
    for call in Call::ALL {
        all.spawn(async move {
            let script = |before, request: &_| if before == 1 { Reply::hang() } else { Reply::good(request) };
            let server = Server::start(script).await;
            let api = server.api_with(Settings { deadline: Duration::from_secs(6), ..Settings::default() });
            call.make(&api).await.unwrap();
            let second = call.make(&api).await.map(drop).map_err(|error| error.kind());
            let sent = (server.requests().len(), server.connections());
            if call.is_safe() {
                assert_eq!((second, sent), (Ok(()), (3, 2)), "{call:?}");
            } else {
                assert_eq!((second, sent), (Err(ErrorKind::Timeout), (2, 1)), "{call:?}");
            }
        });
    }
    all.join_all().await;
}

/// A service that is silent to everybody is not asked much more often than it would be anyhow: who may not ask again
/// waits on, until the deadline.
#[tokio::test]
async fn a_service_that_is_silent_is_not_asked_twice_by_all() {
    let server = Server::replying(Reply::hang()).await;
    let client = server.builder().deadline(Duration::from_secs(2)).build().unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        calls.spawn(async move { client.get_user("user-1").await.unwrap_err() });
    }
    for error in calls.join_all().await {
        assert!(error.is_timeout(), "{error:?}");
    }
    let requests = server.requests().len();
    assert!((101..=160).contains(&requests), "{requests} requests for 100 calls");
}

/// The pauses before six tries add up to more than three seconds, so there are fewer within one.
#[tokio::test]
async fn the_deadline_covers_all_tries() {
    let server = Server::replying(Reply::json(503, "")).await;
    let client = server.builder().deadline(Duration::from_secs(1)).retries(1000).build().unwrap();
    let error = client.get_user("u").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Server | ErrorKind::Timeout), "{error:?}");
    assert!(server.requests().len() < 6, "{} requests", server.requests().len());
}

/// T77: a slow error is that error. A caller who gets himself refused does not turn it into a timeout.
#[tokio::test]
async fn a_refusal_whose_body_never_ends_is_no_timeout() {
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{";
    let server = Server::replying(Reply::SendAndHang(head.into())).await;
    let api = server.api_with(Settings { deadline: Duration::from_secs(4), ..Settings::default() });
    let error = Call::Track.make(&api).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Rejected, Some(400)));
}

#[tokio::test]
async fn retry_after_is_waited_for_or_told() {
    let date = |after| format!("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 {after} GMT\r\n");
    // headers, what the error tells if it does not fit
    let table = [
        ("Retry-After: 0\r\n".to_owned(), None),
        ("Retry-After: 1\r\n".to_owned(), None),
        (date("08:49:38"), None),
        (date("08:49:00"), None),
        ("Retry-After: 3600\r\n".to_owned(), Some(3600)),
        (date("09:49:37"), Some(3600)),
    ];
    for (headers, expected) in table {
        let first = headers.clone();
        let server = Server::start(move |before, request| match before {
            0 => Reply::with(429, &first, ""),
            _ => Reply::good(request),
        })
        .await;
        let told = match Call::Enroll.make(&server.api()).await {
            Ok(_) => None,
            Err(error) => error.retry_after().map(|after| after.as_secs()),
        };
        assert_eq!(told, expected, "{headers}");
        assert_eq!(server.requests().len(), if expected.is_some() { 1 } else { 2 }, "{headers}");
    }
}

/// T77: what a caller may have brought about is what a call failed by, also where its next try fails as a service that is out
/// would: that would excuse more.
#[tokio::test]
async fn t77_what_a_caller_brought_about_hides_behind_no_outage() {
    type Then = fn() -> Reply;
    let too_many: Then = || Reply::with(429, "Retry-After: 1\r\n", "");
    let down: Then = || Reply::json(503, "");
    let table: [(&str, [Then; 3], ErrorKind); 6] = [
        ("429, silence", [too_many, Reply::hang, Reply::hang], ErrorKind::RateLimited),
        ("429, 503", [too_many, down, down], ErrorKind::RateLimited),
        ("lost, silence", [Reply::hang_up, Reply::hang, Reply::hang], ErrorKind::Interrupted),
        ("503, lost, 503", [down, Reply::hang_up, down], ErrorKind::Interrupted),
        ("503, silence", [down, Reply::hang, Reply::hang], ErrorKind::Timeout),
        ("429, 401", [too_many, || Reply::json(401, "{}"), down], ErrorKind::Unauthorized),
    ];
    for (name, replies, kind) in table {
        let server = Server::start(move |before, _| replies[before.min(2)]()).await;
        let client = server.builder().deadline(Duration::from_secs(3)).build().unwrap();
        assert_eq!(client.track("user-1", "withdrawal").await.unwrap_err().kind(), kind, "{name}");
        assert!(server.requests().len() > 1, "{name}");
    }
}

/// A service that is down gets little more than it would without us: of 200 possible repetitions at most 60, which
/// leaves a slow machine room for the ten seconds to pass more than once.
#[tokio::test]
async fn repeating_has_a_budget() {
    let server = Server::replying(Reply::json(503, "")).await;
    let client = server.client();
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        calls.spawn(async move { client.track("user-1", Track::new("withdrawal")).await.map(drop) });
    }
    while let Some(call) = calls.join_next().await {
        assert_eq!(call.unwrap().unwrap_err().kind(), ErrorKind::Server);
    }
    let requests = server.requests().len();
    assert!((101..=160).contains(&requests), "{requests} requests for 100 calls");
}
