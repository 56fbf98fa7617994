//! Bodies as only a raw socket sends them: lengths that lie, chunks, trailers, a byte at a time.
use std::time::Duration;

use authsignal_emulator::Outcome;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::post as posting;
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, RefusalReason};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::shapes::{Server, raw, serve, status};
use crate::support::{Bench, CALLBACK, Visitor, app, bench_with, post};

const LIMIT: usize = 1000;

/// The usual application, with a small limit, on a socket.
async fn site() -> (Bench, Server) {
    let bench = bench_with(|builder| builder.body_limit(LIMIT)).await;
    let server = serve(bench.app.clone()).await;
    (bench, server)
}

/// The head of a post, up to what says how long its body is.
fn head(cookie: Option<&str>) -> String {
    let cookie = cookie.map_or_else(String::new, |cookie| format!("cookie: {cookie}\r\n"));
    format!(
        "POST /pay HTTP/1.1\r\nhost: a.example\r\nx-user: ada\r\n{cookie}content-type: text/plain\r\nconnection: close\r\n"
    )
}

fn chunked(body: &str, piece: usize) -> String {
    let pieces = body.as_bytes().chunks(piece);
    let chunks = pieces.map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece)));
    chunks.collect::<String>() + "0\r\n\r\n"
}

/// T65: at the limit and past it, with a length and in chunks of every size, with our cookie and without: past it nobody
/// is challenged, at it everybody is, and nothing runs.
#[tokio::test]
async fn t65_lengths_and_chunks_meet_the_same_limit() {
    let (bench, server) = site().await;
    let mut ada = bench.visitor("ada");
    ada.challenge(&crate::support::get("/other")).await;
    let mut tried = 0;
    for cookie in [None, ada.cookie.as_deref()] {
        for (size, want) in [(LIMIT - 1, 403), (LIMIT, 403), (LIMIT + 1, 413), (LIMIT * 50, 413)] {
            let body = "x".repeat(size);
            let head = head(cookie);
            let mut requests = vec![format!("{head}content-length: {size}\r\n\r\n{body}")];
            for piece in [1, 7, LIMIT - 1, LIMIT, LIMIT + 1, LIMIT * 50] {
                requests.push(format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunked(&body, piece)));
            }
            for request in requests {
                let answer = raw(server.address, request.as_bytes()).await;
                assert_eq!(status(&answer), want, "{size}: {answer}");
                assert_eq!(answer.contains("BodyTooLarge"), want == 413, "{answer}");
                tried += 1;
            }
        }
    }
    assert_eq!(bench.effects.count(), 0);
    println!("{tried} bodies around the limit");
}

/// T65: a length that lies. Too long, and the body breaks off; too short, and the rest is no part of the request; two of
/// them, or one beside chunks, and it is none at all. Nothing runs, and nothing is challenged that did not come whole.
#[tokio::test]
async fn t65_lengths_that_lie_run_nothing() {
    let (bench, server) = site().await;
    let mut ada = bench.visitor("ada");
    let ten = post("/pay", "text/plain", "amount=10");
    bench.approve(&mut ada, &ten).await;
    let cookie = ada.cookie.as_deref();
    let head = head(cookie);
    let lies = [
        // Less than was said, then the end.
        "content-length: 90\r\n\r\namount=10",
        "content-length: 4000000000\r\n\r\namount=10",
        "content-length: 18446744073709551616\r\n\r\namount=10",
        "content-length: -9\r\n\r\namount=10",
        "content-length: +9\r\n\r\namount=10",
        "content-length: 0x9\r\n\r\namount=10",
        "content-length: 9, 9\r\n\r\namount=10000",
        "content-length: 9\r\ncontent-length: 12\r\n\r\namount=10000",
        "content-length: 12\r\ncontent-length: 9\r\n\r\namount=10000",
        "content-length: 8\r\n\r\namount=10",
        "content-length: 12\r\n\r\namount=10000",
        "content-length: 9\r\ntransfer-encoding: chunked\r\n\r\nc\r\namount=10000\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 9\r\n\r\nc\r\namount=10000\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nc\r\namount=10\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n9\r\namount=10",
        "transfer-encoding: chunked\r\n\r\n9\r\namount=10\r\n",
        "transfer-encoding: chunked\r\n\r\n9\r\namount=10\r\n3\r\n000\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n-9\r\namount=10\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\namount=10\r\n0\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n9\r\namount=10\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n9\r\namount=10\r\n0\r\n\r\n",
        "transfer-encoding: identity\r\ncontent-length: 12\r\n\r\namount=10000",
    ];
    for lie in lies {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(format!("{head}{lie}").as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(bench.effects.count(), 0, "{lie}: {answer}");
        assert!(matches!(status(&answer), 0 | 400 | 403 | 413 | 501), "{lie}: {answer}");
    }
    // The approval is still there, for what it is for.
    let right = format!("{head}transfer-encoding: chunked\r\n\r\n{}", chunked("amount=10", 2));
    assert_eq!(status(&raw(server.address, right.as_bytes()).await), 200);
    assert_eq!(bench.effects.last().body, "amount=10");
    println!("{} lies, 0 ran", lies.len());
}

/// T67: what stands behind an approved body over a socket never reaches the handler.
#[tokio::test]
async fn t67_trailers_over_a_socket_are_dropped_where_the_body_is_read() {
    let (bench, _server) = site().await;
    let trailers = async |request: Request| {
        let collected = request.into_body().collect().await.unwrap();
        collected.trailers().map_or(0, axum::http::HeaderMap::len).to_string()
    };
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
    let app = Router::new().route("/pay", posting(trailers).layer(layer)).merge(bench.authsignal.routes());
    let server = serve(app.clone()).await;
    let mut ada = Visitor::new(&app, "ada");
    let with_trailer = |cookie: Option<&str>| {
        format!(
            "{}te: trailers\r\ntrailer: x-amount\r\ntransfer-encoding: chunked\r\n\r\n9\r\namount=10\r\n0\r\nx-amount: 10000\r\n\r\n",
            head(cookie)
        )
    };
    bench.approve(&mut ada, &post("/pay", "text/plain", "amount=10")).await;
    let answer = raw(server.address, with_trailer(ada.cookie.as_deref()).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n0"), "{answer}");
    // Where nothing has to be approved, nothing is touched.
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let answer = raw(server.address, with_trailer(None).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n1"), "{answer}");
}

/// T67: who expects to be told to go on is refused before the body, where no body is needed to refuse.
#[tokio::test]
async fn t67_a_body_that_is_announced_is_not_asked_for_before_it_is_needed() {
    let (bench, server) = site().await;
    for (outcome, goes_on) in [(Outcome::Block, false), (Outcome::Challenge, true), (Outcome::Allow, true)] {
        bench.emulator.set_outcome("pay", outcome);
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head = format!("{}expect: 100-continue\r\ncontent-length: 9\r\n\r\n", head(None));
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 25];
        socket.read_exact(&mut first).await.unwrap();
        let first = String::from_utf8_lossy(&first);
        assert_eq!(first.starts_with("HTTP/1.1 100 Continue"), goes_on, "{outcome:?}: {first}");
    }
    assert_eq!(bench.effects.count(), 0);
}

/// An application whose client gives up soon.
async fn impatient(deadline: Duration) -> Bench {
    let mut bench = bench_with(|builder| builder).await;
    let client = Client::builder(bench.emulator.secret()).base_url(bench.emulator.base_url());
    let client = client.deadline(deadline).retries(0).build().unwrap();
    let authsignal = Authsignal::builder(client)
        .callback_url(CALLBACK)
        .clock(bench.clock.clone())
        .identify(|headers: axum::http::HeaderMap| async move { crate::support::who(&headers) })
        .build()
        .unwrap();
    bench.app = app(&authsignal, &bench.effects);
    bench.authsignal = authsignal;
    bench
}

/// T78: a body of a few bytes in a second, from a browser that was challenged before and from one that was not. The
/// deadline is for the call upstream alone, which is made before the body is needed or after it is there: slowness is
/// never an outage, and never a pass.
#[tokio::test]
async fn t78_a_slow_client_is_no_outage_of_the_service() {
    let bench = impatient(Duration::from_millis(300)).await;
    let mut known = bench.visitor("ada");
    known.challenge(&crate::support::get("/other")).await;
    for (mut visitor, asked_before_the_body) in [(bench.visitor("ada"), true), (known, false)] {
        let before = bench.tracks();
        let (bytes, body) = tokio::sync::mpsc::channel::<Bytes>(1);
        let body = stream::unfold(body, async |mut body| Some((Ok::<_, std::io::Error>(body.recv().await?), body)));
        let trickle = async {
            for sent in 0..6 {
                // It is the client that is slow: nothing waits here for something to happen.
                tokio::time::sleep(Duration::from_millis(100)).await;
                let asked = bench.tracks() - before;
                assert_eq!(asked, usize::from(asked_before_the_body), "while byte {sent} is on its way");
                bytes.send(Bytes::from_static(b"x")).await.unwrap();
            }
            drop(bytes);
        };
        let ask = post("/pay", "text/plain", "");
        let request = visitor.request_with(&ask, Body::from_stream(body));
        let (reply, ()) = tokio::join!(visitor.send_request(request), trickle);
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert_eq!(bench.tracks() - before, 1);
    }
    assert_eq!(bench.effects.count(), 0);
}
