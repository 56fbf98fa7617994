//! Reads that are sent a second time where the first sending is slow: which, when, how often, and what becomes of the other.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_client::{Client, ClientBuilder, ErrorKind, TransportError};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::service_fn;

use crate::calls::{Call, Settings};
use crate::support::{KEY, Reply, SECRET, Server};

const DELAY: Duration = Duration::from_millis(50);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What becomes of one sending.
#[derive(Clone, Copy)]
enum Fate {
    Answered(u16),
    Lost,
}

use Fate::{Answered, Lost};

/// A service in this process, which answers each sending as a script says: what becomes of it, and after how long.
#[derive(Clone, Default)]
struct Counts {
    sent: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

/// Counted for as long as it lives.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Counts {
    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    fn client(&self, script: impl Fn(usize) -> (Duration, Fate) + Clone + Send + Sync + 'static) -> ClientBuilder {
        let counts = self.clone();
        let service = service_fn(move |_: Request<Bytes>| {
            let (after, fate) = script(counts.sent.fetch_add(1, Ordering::SeqCst));
            counts.open.fetch_add(1, Ordering::SeqCst);
            let open = Open(Arc::clone(&counts.open));
            async move {
                let _open = open;
                sleep(after).await;
                let Answered(status) = fate else {
                    return Err(TransportError::interrupted(std::io::Error::from(std::io::ErrorKind::BrokenPipe)));
                };
                let body = r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED","createdAt":"t","stateUpdatedAt":"t"}"#;
                let body = if status == 200 { body } else { "{}" };
                Ok(Response::builder().status(status).body(Full::new(Bytes::from(body))).expect("a response"))
            }
        });
        Client::builder(SECRET).transport(service).hedge_after(DELAY).deadline(Duration::from_secs(5))
    }
}

#[derive(Clone, Copy, Debug)]
enum Question {
    Action,
    Token,
}

impl Question {
    const BOTH: [Self; 2] = [Self::Action, Self::Token];

    async fn ask(self, client: &Client) -> Result<(), ErrorKind> {
        let answer = match self {
            Self::Action => client.get_action("user-1", "withdrawal", KEY).await.map(drop),
            Self::Token => client.validate_challenge("a-token").await.map(|validated| assert!(validated.is_valid)),
        };
        answer.map_err(|error| error.kind())
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for_no_longer_than_the_delay_and_another() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let slow_at_first = |sending| (if sending == 0 { ms(1000) } else { ms(10) }, Answered(200));
        let client = counts.client(slow_at_first).build().unwrap();
        let began = Instant::now();
        question.ask(&client).await.unwrap();
        assert_eq!((began.elapsed(), counts.sent()), (ms(60), 2), "{question:?}");
        assert_eq!(counts.open(), 0, "{question:?}: the slow one is given up");
    }
}

/// The second sending may be the slow one.
#[tokio::test(start_paused = true)]
async fn the_first_sending_counts_where_it_is_answered_first() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let client = counts.client(|sending| (if sending == 0 { ms(70) } else { ms(1000) }, Answered(200)));
        let client = client.build().unwrap();
        let began = Instant::now();
        question.ask(&client).await.unwrap();
        assert_eq!((began.elapsed(), counts.sent(), counts.open()), (ms(70), 2, 0), "{question:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_in_time_is_sent_once() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let client = counts.client(|_| (ms(49), Answered(200))).build().unwrap();
        for _ in 0..20 {
            question.ask(&client).await.unwrap();
        }
        assert_eq!(counts.sent(), 20, "{question:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn off_unless_asked_for() {
    let counts = Counts::default();
    let asked = counts.client(|_| (ms(1000), Answered(200)));
    assert!(format!("{asked:?}").contains("hedge_after: Some(50ms)"), "{asked:?}");
    assert!(format!("{:?}", Client::builder(SECRET)).contains("hedge_after: None"));
}

/// Both sendings are answered in the same moment: one answer is given, nothing is repeated, nothing is left.
#[tokio::test(start_paused = true)]
async fn two_answers_count_once() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let client = counts.client(|sending| (if sending == 0 { ms(100) } else { ms(50) }, Answered(200)));
        let client = client.build().unwrap();
        question.ask(&client).await.unwrap();
        sleep(Duration::from_secs(10)).await;
        assert_eq!((counts.sent(), counts.open()), (2, 0), "{question:?}");
    }
}

/// A service that is slow to everybody is not asked twice by everybody: a tenth, and what a client that asks seldom has, one
/// a second over ten seconds.
#[tokio::test(start_paused = true)]
#[allow(clippy::print_stdout, reason = "a test that counts says what it counted")]
async fn each_second_sending_is_paid_from_the_budget() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let client = counts.client(|_| (ms(1000), Answered(200))).build().unwrap();
        let mut calls = JoinSet::new();
        for _ in 0..200 {
            let client = client.clone();
            calls.spawn(async move { question.ask(&client).await });
        }
        for outcome in calls.join_all().await {
            outcome.unwrap();
        }
        println!("{question:?}: {} sent for 200", counts.sent());
        assert!((201..=231).contains(&counts.sent()), "{question:?}: {} sent", counts.sent());
    }
}

/// Time is what the call has, not each sending.
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_both() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let client = counts.client(|_| (Duration::from_secs(3600), Answered(200)));
        let client = client.deadline(ms(400)).retries(0).build().unwrap();
        let began = Instant::now();
        assert_eq!(question.ask(&client).await, Err(ErrorKind::Timeout), "{question:?}");
        assert_eq!((began.elapsed(), counts.sent(), counts.open()), (ms(400), 2, 0), "{question:?}");
    }
}

/// A silent pair makes room for the next try as one silent sending does.
#[tokio::test(start_paused = true)]
async fn a_silent_pair_does_not_take_the_whole_deadline() {
    let counts = Counts::default();
    let client = counts.client(|sending| (if sending < 2 { Duration::from_secs(3600) } else { ms(1) }, Answered(200)));
    let client = client.build().unwrap();
    let began = Instant::now();
    Question::Action.ask(&client).await.unwrap();
    assert!((ms(2500)..ms(2900)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!((counts.sent(), counts.open()), (3, 0));
}

/// Whoever gives the call up gives up both sendings.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_leaves_nothing_behind() {
    for question in Question::BOTH {
        let counts = Counts::default();
        let client = counts.client(|_| (Duration::from_secs(3600), Answered(200))).build().unwrap();
        assert!(timeout(ms(200), question.ask(&client)).await.is_err());
        assert_eq!((counts.sent(), counts.open()), (2, 0), "{question:?}");
    }
}

/// What would be repeated leaves the call to the other sending; what would not be is the answer.
#[tokio::test(start_paused = true)]
async fn a_failure_counts_only_where_it_is_final() {
    let never = Duration::from_secs(3600);
    // name, the first sending, the second, the outcome, the time it takes
    let table = [
        ("the first is lost", (ms(60), Lost), (ms(40), Answered(200)), Ok(()), ms(90)),
        ("the second is lost", (ms(90), Answered(200)), (ms(10), Lost), Ok(()), ms(90)),
        ("the first fails", (ms(60), Answered(503)), (ms(40), Answered(200)), Ok(()), ms(90)),
        ("the second fails", (ms(90), Answered(200)), (ms(10), Answered(429)), Ok(()), ms(90)),
        ("both fail", (ms(60), Answered(500)), (ms(40), Answered(503)), Err(ErrorKind::Server), ms(90)),
        // What a caller may have brought about excuses less, and is what the call failed by.
        ("both fail, one is lost", (ms(60), Lost), (ms(40), Answered(503)), Err(ErrorKind::Interrupted), ms(90)),
        (
            "both fail, one is too many",
            (ms(60), Answered(429)),
            (ms(40), Answered(503)),
            Err(ErrorKind::RateLimited),
            ms(90),
        ),
        ("the first is refused", (ms(60), Answered(403)), (never, Lost), Err(ErrorKind::Rejected), ms(60)),
        ("the second is refused", (never, Lost), (ms(10), Answered(403)), Err(ErrorKind::Rejected), ms(60)),
    ];
    for question in Question::BOTH {
        for (name, first, second, expected, took) in table {
            let counts = Counts::default();
            let client = counts.client(move |sending| if sending == 0 { first } else { second });
            let client = client.retries(0).build().unwrap();
            let began = Instant::now();
            assert_eq!(question.ask(&client).await, expected, "{name}, {question:?}");
            assert_eq!((began.elapsed(), counts.sent(), counts.open()), (took, 2, 0), "{name}, {question:?}");
        }
    }
}

/// Of all calls, the two that only ask are sent twice at once, whatever carries them: never a track, nor anything that
/// changes something.
#[tokio::test]
async fn no_other_call_is_sent_twice_at_once() {
    let mut all = JoinSet::new();
    for call in Call::ALL {
        all.spawn(async move {
            let script = |before, request: &_| if before == 0 { Reply::hang() } else { Reply::good(request) };
            let server = Server::start(script).await;
            let (deadline, hedge_after) = (Duration::from_secs(2), Some(ms(100)));
            let api = server.api_with(Settings { deadline, retries: 0, hedge_after, ..Settings::default() });
            let outcome = call.make(&api).await.map(drop).map_err(|error| error.kind());
            let expected = match call {
                Call::GetAction | Call::Validate => (Ok(()), 2),
                _ => (Err(ErrorKind::Timeout), 1),
            };
            assert_eq!((outcome, server.requests().len()), expected, "{call:?}");
        });
    }
    all.join_all().await;
}
