//! Who uses the application of one seed: two tabs of one browser, a thief, and whoever revokes.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum_authsignal::RefusalReason;
use tower::ServiceExt as _;

use super::setting::Simulation;
use super::truth::{Asked, Revoked};
use crate::support::{ORIGIN, Reply};

const TARGETS: [&str; 2] = ["/pay", "/kept"];
const BODIES: [&str; 2] = ["to=bob&amount=10", "to=bob&amount=10000"];
const BROWSERS: [&str; 2] = ["the owner's", "the thief's"];
/// How often somebody tries to get through when all is calm again.
const TRIES: usize = 4;

/// What a request is for, by a number that travels along with it.
pub(super) fn asked(number: usize) -> Asked {
    Asked { user: "ada", browser: BROWSERS[number / 4 % 2], target: TARGETS[number / 2 % 2], body: BODIES[number % 2] }
}

/// A window of a browser, whose cookie all of its windows share.
#[derive(Clone)]
struct Tab {
    simulation: Arc<Simulation>,
    name: &'static str,
    cookie: Arc<Mutex<Option<String>>>,
    /// Where the last challenge led back to, in anybody's reach.
    stolen: Arc<Mutex<Option<String>>>,
    is_owner: bool,
}

/// A life, from its beginning until all is calm again.
pub(super) async fn live(simulation: &Arc<Simulation>) {
    let tab = |name: &'static str, cookie: &Arc<Mutex<_>>, stolen: &Arc<Mutex<_>>| Tab {
        simulation: Arc::clone(simulation),
        name,
        cookie: Arc::clone(cookie),
        stolen: Arc::clone(stolen),
        is_owner: name != "thief",
    };
    let (owners, thiefs, stolen) = (Arc::default(), Arc::default(), Arc::default());
    let (first, second) = (tab("tab 1", &owners, &stolen), tab("tab 2", &owners, &stolen));
    let thief = tab("thief", &thiefs, &stolen);
    // Where nothing goes wrong, the two tabs have one cookie from here on.
    first.ask(0).await;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(first.clone().live());
    tasks.spawn(second.clone().live());
    tasks.spawn(thief.clone().live());
    tasks.spawn(revoke(Arc::clone(simulation)));
    let mut has_panicked = false;
    let all = async {
        while let Some(lived) = tasks.join_next().await {
            has_panicked |= lived.is_err();
        }
    };
    if tokio::time::timeout(Duration::from_secs(3 * 60 * 60), all).await.is_err() {
        simulation.check(Err("somebody waits for ever".to_owned()));
        return;
    }
    if has_panicked {
        simulation.check(Err("somebody panicked".to_owned()));
        return;
    }
    // What was under way comes to its end, and breakers close.
    simulation.calm();
    simulation.tell("calm");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let lost = simulation.truth.lock().unwrap().lost();
    simulation.check(lost);
    for tab in [first, second] {
        let number = simulation.random.below(4) as usize;
        let through = tokio::time::timeout(Duration::from_secs(600), tab.get_through(number)).await;
        simulation.check(match through {
            Ok(true) => Ok(()),
            // A challenge that was begun at a clock too far ahead is none at the others.
            Ok(false) if simulation.is_skewed => Ok(()),
            Ok(false) => Err(format!("{} does not get through when all is calm", tab.name)),
            Err(_) => Err(format!("{} waits for ever when all is calm", tab.name)),
        });
    }
}

async fn revoke(simulation: Arc<Simulation>) {
    for _ in 0..2 {
        simulation.sleep(Duration::from_secs(60)).await;
        if !simulation.random.chance(simulation.chances.revoke) {
            continue;
        }
        let node = simulation.random.below(simulation.nodes.len() as u64) as usize;
        let (authsignal, life) = {
            let node = simulation.nodes[node].lock().unwrap();
            let node = node.as_ref().expect("it was begun");
            (node.authsignal.clone(), node.life.clone())
        };
        let asked = simulation.now();
        simulation.tell("asked to revoke");
        let done = tokio::select! {
            biased;
            () = life.is_ended() => false,
            done = authsignal.revoke("ada") => done.is_ok(),
        };
        if done {
            simulation.count("revoked");
            let returned = simulation.now();
            simulation.truth.lock().unwrap().revoked.push(Revoked { asked, returned });
        }
    }
}

/// What came of a request.
enum Came {
    /// The client hung up, or the process died.
    Nothing,
    Reply(Box<Reply>),
}

impl Tab {
    async fn live(self) {
        for _ in 0..1 + self.simulation.random.below(4) {
            self.simulation.sleep(Duration::from_secs(10)).await;
            let number = self.number();
            if let Some((url, attempt)) = self.ask(number).await {
                let is_approved = self.answer(&url, &attempt).await;
                // As a browser that was led back.
                self.ask(number).await;
                if is_approved && self.simulation.loses_nothing() {
                    self.simulation.count("looked for what is lost");
                    self.simulation.truth.lock().unwrap().must_be_handled(&attempt);
                }
            }
            if self.simulation.happens("ten minutes went by", self.simulation.chances.wait) {
                self.simulation.sleep(Duration::from_secs(20 * 60)).await;
            }
            if !self.is_owner {
                self.steal().await;
            }
        }
    }

    fn number(&self) -> usize {
        // Mostly the very same thing.
        let what = if self.simulation.random.chance(700) { 0 } else { self.simulation.random.below(4) as usize };
        what + if self.is_owner { 0 } else { 4 }
    }

    /// Asks for something. Where that is challenged: the challenge's address, and which attempt it is.
    async fn ask(&self, number: usize) -> Option<(String, String)> {
        let asked = asked(number);
        let request = Request::post(asked.target)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("accept", "text/html")
            .header("x-asked", number)
            .header("x-began", self.simulation.now().as_micros().to_string())
            .body(Body::from(asked.body))
            .unwrap();
        let Came::Reply(reply) = self.send(&format!("asks for {number}"), request).await else { return None };
        if reply.reason() != Some(&RefusalReason::ChallengeRequired) {
            return None;
        }
        let attempt = reply.refusal.as_ref()?.decision_id().expect("it was tracked").as_str().to_owned();
        let url = reply.location().to_owned();
        self.simulation.count("challenged");
        self.simulation.tell(&format!("  for attempt {}", self.simulation.number_of(&attempt)));
        let now = self.simulation.now();
        let told = self.simulation.truth.lock().unwrap().challenged(&attempt, &asked, now);
        self.simulation.check(told);
        Some((url, attempt))
    }

    /// Proves a challenge, or not, and comes back.
    async fn answer(&self, url: &str, attempt: &str) -> bool {
        let simulation = &self.simulation;
        simulation.sleep(Duration::from_secs(20)).await;
        if !self.is_owner || simulation.random.chance(100) {
            simulation.count("not proved");
            if let Ok(back) = simulation.emulator.quit(url) {
                self.way_back(&back, attempt).await;
            }
            return false;
        }
        let Ok(back) = simulation.emulator.succeed(url) else {
            simulation.tell("nothing to prove any more");
            return false;
        };
        simulation.count("proved");
        let now = simulation.now();
        simulation.truth.lock().unwrap().proved(attempt, now);
        *self.stolen.lock().unwrap() = Some(back.clone());
        if simulation.happens("a way back came twice", 150) {
            let (first, second) = tokio::join!(self.way_back(&back, attempt), self.way_back(&back, attempt));
            first && second
        } else {
            self.way_back(&back, attempt).await
        }
    }

    /// Whether that was the end of it, and not a page that says otherwise.
    async fn way_back(&self, back: &str, attempt: &str) -> bool {
        let target = back.strip_prefix(ORIGIN).expect(back);
        let request = Request::get(target)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate")
            .header("accept", "text/html")
            .body(Body::empty())
            .unwrap();
        let came = self.send("comes back", request).await;
        let now = self.simulation.now();
        self.simulation.truth.lock().unwrap().returned(attempt, now);
        let Came::Reply(reply) = came else { return false };
        let Some(target) =
            reply.location().strip_prefix(ORIGIN).or(Some(reply.location())).filter(|_| reply.status == 303)
        else {
            return false;
        };
        // The page that says what came of it, or has the form to be sent again.
        let request = Request::get(target).header("accept", "text/html").body(Body::empty()).unwrap();
        let page = self.send("is led on", request).await;
        matches!(page, Came::Reply(page) if page.refusal.is_none())
    }

    /// Somebody with the same session, another browser, and an address that was stolen.
    async fn steal(&self) {
        let Some(back) = self.stolen.lock().unwrap().clone() else { return };
        self.simulation.count("a thief came back with a stolen address");
        let target = back.strip_prefix(ORIGIN).expect(&back);
        let request = Request::get(target).header("accept", "text/html").body(Body::empty()).unwrap();
        self.send("comes back with a stolen address", request).await;
        self.ask(4).await;
    }

    /// Asks until the handler runs.
    async fn get_through(&self, number: usize) -> bool {
        for _ in 0..TRIES {
            let before = self.simulation.outcome_of("a handler ran");
            let challenge = self.ask(number).await;
            if self.simulation.outcome_of("a handler ran") > before {
                return true;
            }
            let Some((url, attempt)) = challenge else {
                // Just spent by a request that was taken for this one, or the like.
                tokio::time::sleep(Duration::from_secs(30)).await;
                continue;
            };
            match self.simulation.emulator.succeed(&url) {
                Ok(back) => {
                    let now = self.simulation.now();
                    self.simulation.truth.lock().unwrap().proved(&attempt, now);
                    self.way_back(&back, &attempt).await;
                }
                Err(error) => self.simulation.tell(&format!("no proof: {error}")),
            }
        }
        false
    }

    /// Sends a request to some node, and perhaps hangs up.
    async fn send(&self, what: &str, mut request: Request) -> Came {
        let simulation = &self.simulation;
        let node = simulation.random.below(simulation.nodes.len() as u64) as usize;
        let (app, life) = {
            let node = simulation.nodes[node].lock().unwrap();
            let node = node.as_ref().expect("it was begun");
            (node.app.clone(), node.life.clone())
        };
        let headers = request.headers_mut();
        headers.insert("x-user", HeaderValue::from_static("ada"));
        if let Some(cookie) = self.cookie.lock().unwrap().as_deref() {
            headers.insert("cookie", HeaderValue::from_str(cookie).unwrap());
        }
        simulation.tell(&format!("{} {what} at node {node}", self.name));
        let hangs_up = simulation.happens("a client hung up", simulation.chances.hang_up);
        let patience =
            if hangs_up { simulation.random.up_to(Duration::from_millis(500)) } else { Duration::from_secs(120) };
        let response = tokio::select! {
            biased;
            () = life.is_ended() => return Came::Nothing,
            response = app.oneshot(request) => response.unwrap(),
            () = tokio::time::sleep(patience) => {
                if !hangs_up {
                    simulation.check(Err(format!("{} {what}, and waits for ever", self.name)));
                }
                return Came::Nothing;
            }
        };
        let reply = Reply::of(response).await;
        let to = reply.location().split(['?', '#']).next().unwrap_or_default();
        let outcome = reply
            .location()
            .split_once("outcome=")
            .map_or("", |(_, outcome)| outcome.split('&').next().unwrap_or_default());
        simulation.tell(&format!("{} is answered {} {to} {outcome}, {:?}", self.name, reply.status, reply.reason()));
        if let Some(cookie) = reply.cookie() {
            *self.cookie.lock().unwrap() = Some(cookie);
        }
        Came::Reply(Box::new(reply))
    }
}
