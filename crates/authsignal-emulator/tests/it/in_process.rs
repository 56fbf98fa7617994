//! Without a socket: the same answers, faults and clock, for a client in this process.
use std::time::Duration;

use authsignal_client::{ActionState, Client, ErrorKind, Track, Validate};
use authsignal_emulator::{Emulator, Endpoint, Fault};
use tokio::time::Instant;

fn withdrawal() -> Track {
    Track::new("withdrawal").redirect_url("https://app.example.com/back")
}

/// Tokio's clock stands still but for what is waited for, and nothing is.
#[tokio::test(start_paused = true)]
async fn a_whole_challenge_takes_no_socket_and_no_time() {
    let began = Instant::now();
    let emulator = Emulator::in_process().unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let client = emulator.client();
    let tracked = client.track("ada", withdrawal()).await.unwrap();
    assert_eq!(tracked.state, ActionState::ChallengeRequired);
    let url = tracked.url.unwrap();
    assert!(url.secret().starts_with("http://localhost/?token="), "{}", url.secret());
    let back = emulator.succeed(url.secret()).unwrap();
    let token = back.strip_prefix("https://app.example.com/back?token=").unwrap();
    let validated = client.validate_challenge(Validate::new(token).user_id("ada")).await.unwrap();
    assert!(validated.is_valid);
    assert_eq!(emulator.calls(Endpoint::Track), 1);
    assert_eq!(emulator.received_requests()[0].headers["host"], "localhost");
    assert_eq!((emulator.origin(), emulator.base_url()), ("http://localhost", "http://localhost/v1"));
    assert_eq!(emulator.local_address().port(), 0);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// Deadlines and tries are the client's own as over a socket, and pass in no time on a paused clock.
#[tokio::test(start_paused = true)]
async fn faults_are_those_of_a_socket() {
    let emulator = Emulator::in_process().unwrap();
    let once = || Client::builder(emulator.secret()).transport(emulator.transport()).retries(0).build().unwrap();
    for (fault, kind) in [
        (Fault::hang_up(), ErrorKind::Interrupted),
        (Fault::status(503), ErrorKind::Server),
        (Fault::status(302), ErrorKind::Redirected),
        (Fault::cut(9), ErrorKind::Malformed),
        (Fault::delay(Duration::from_secs(6)), ErrorKind::Timeout),
    ] {
        emulator.inject_fault(Endpoint::Track, fault);
        assert_eq!(once().track("ada", withdrawal()).await.unwrap_err().kind(), kind);
    }
    emulator.inject_fault(Endpoint::Track, Fault::delay(Duration::from_secs(4)));
    let began = Instant::now();
    once().track("ada", withdrawal()).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 4);

    emulator.inject_fault(Endpoint::Track, Fault::hang_up());
    assert!(emulator.client().track("ada", withdrawal()).await.is_ok(), "what is safe to repeat is repeated");
}

#[tokio::test]
async fn it_takes_its_secret_and_no_other() {
    let emulator = Emulator::in_process().unwrap();
    let stranger = Client::builder("another").transport(emulator.transport()).build().unwrap();
    assert_eq!(stranger.get_user("ada").await.unwrap_err().kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn nobody_answers_once_it_is_gone() {
    let emulator = Emulator::in_process().unwrap();
    let client = Client::builder(emulator.secret()).transport(emulator.transport()).retries(0).build().unwrap();
    client.track("ada", "withdrawal").await.unwrap();
    drop(emulator);
    assert_eq!(client.track("ada", "withdrawal").await.unwrap_err().kind(), ErrorKind::Connect);
}

/// One that listens is reached without its socket, too.
#[tokio::test]
async fn a_listening_one_has_both_ways() {
    let emulator = Emulator::start().await.unwrap();
    let near = Client::builder(emulator.secret()).transport(emulator.transport()).build().unwrap();
    near.track("ada", "withdrawal").await.unwrap();
    emulator.client().track("ada", "withdrawal").await.unwrap();
    assert_eq!(emulator.calls(Endpoint::Track), 2);
}
