//! What the client sends, held against what `@authsignal/node` sends for the same call.
//!
//! Both talk to a server that writes down what comes. A difference that isn't in [`compare::DELIBERATE`] fails, and so
//! does one that is there and is no more.
mod calls;
mod compare;
mod members;
mod recorder;

use std::collections::BTreeSet;
use std::time::Duration;

use authsignal_client::{CallConnect, Client};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tower::service_fn;

use self::calls::{Call, Ours, calls};
use self::compare::{DELIBERATE, Fields, differences, fields};
use self::members::Types;
use self::recorder::Recorder;
use crate::runner::{node, output, root};

/// The API secret key of both.
const SECRET: &str = "my-secret";

/// One that a slow machine keeps.
const DEADLINE: Duration = Duration::from_secs(60);

async fn recorder(calls: &[Call]) -> Recorder {
    Recorder::start(calls.iter().map(|call| call.answer.clone()).collect()).await
}

/// What the SDK sends for these calls, and the methods that it has.
async fn theirs(calls: &[Call]) -> (Vec<Fields>, BTreeSet<String>) {
    let recorder = recorder(calls).await;
    let handed: Vec<_> = calls.iter().map(|call| json!([call.method, call.request])).collect();
    let mut command = node();
    command.arg(root().join("crates/authsignal-emulator/tests/sdk/node/wire.mjs")).args([&recorder.origin, SECRET]);
    let methods = output(command.arg(Value::from(handed).to_string())).await;
    let sent: Vec<_> = recorder.recorded().iter().map(fields).collect();
    assert_eq!(sent.len(), calls.len(), "one request for a call");
    (sent, serde_json::from_str(&methods).unwrap())
}

/// What carries the requests of the client.
#[derive(Clone, Copy, Debug)]
enum Through {
    Reqwest,
    Hyper,
    /// A client of the user's, here reqwest's as it comes.
    Own,
}

/// What the client sends for these calls.
async fn ours(calls: &[Call], through: Through) -> Vec<Fields> {
    let recorder = recorder(calls).await;
    let client = Client::builder(SECRET).base_url(format!("{}/v1", recorder.origin)).deadline(DEADLINE);
    let connect = CallConnect::builder(SECRET).base_url(&recorder.origin).deadline(DEADLINE);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let own = service_fn(move |request: Request<Bytes>| {
        let http = http.clone();
        async move { Ok::<_, reqwest::Error>(Response::from(http.execute(request.try_into()?).await?)) }
    });
    let (client, connect) = match through {
        Through::Reqwest => (client, connect),
        Through::Hyper => (client.hyper(), connect.hyper()),
        Through::Own => (client.transport(own.clone()), connect.transport(own)),
    };
    let ours = Ours { client: client.build().unwrap(), calls: connect.build().unwrap() };
    for (index, call) in calls.iter().enumerate() {
        (call.ours)(ours.clone()).await.unwrap_or_else(|error| panic!("{}: {error:?}", call.name));
        assert_eq!(recorder.recorded().len(), index + 1, "{}: one request", call.name);
    }
    recorder.recorded().iter().map(fields).collect()
}

#[tokio::test]
async fn both_send_the_same_but_for_what_is_deliberate() {
    let calls = calls();
    let (theirs, _) = theirs(&calls).await;
    for through in [Through::Reqwest, Through::Hyper, Through::Own] {
        compare(&calls, &ours(&calls, through).await, &theirs, through);
    }
}

fn compare(calls: &[Call], ours: &[Fields], theirs: &[Fields], through: Through) {
    let mut unused: BTreeSet<_> = DELIBERATE.iter().flat_map(|difference| difference.of(calls)).collect();
    let (mut compared, mut undeclared) = (0, Vec::new());
    for ((call, ours), theirs) in calls.iter().zip(ours).zip(theirs) {
        compared += ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>().len();
        for difference in differences(ours, theirs) {
            match DELIBERATE.iter().find(|known| known.field == difference.field && known.covers(call)) {
                Some(known) => _ = unused.remove(&(known.field, call.name)),
                None => undeclared.push(format!("{}: {difference}", call.name)),
            }
        }
    }
    assert!(undeclared.is_empty(), "differences that nobody meant, through {through:?}:\n{}", undeclared.join("\n"));
    assert!(unused.is_empty(), "declared differences that are none, through {through:?}: {unused:#?}");
    let count = calls.len();
    println!(
        "through {through:?}: {count} calls, {compared} fields compared, {} differences deliberate",
        DELIBERATE.len()
    );
}

#[tokio::test]
async fn every_method_of_the_sdk_has_its_calls() {
    let (_, methods) = theirs(&[]).await;
    let calls = calls();
    let called: BTreeSet<_> = calls.iter().map(|call| call.method.to_owned()).collect();
    assert_eq!(called, methods);
}

/// Whatever may be left out of a call is there in one, and left out in another.
#[test]
fn every_member_of_a_request_is_compared() {
    let types = root().join("node_modules/@authsignal/node/dist");
    let [types, connect] = ["types.d.ts", "call-connect.d.ts"].map(|file| std::fs::read_to_string(types.join(file)));
    let types = Types::read(&(types.unwrap() + &connect.unwrap()));
    let calls = calls();
    for method in calls.iter().map(|call| call.method).collect::<BTreeSet<_>>() {
        for member in types.of_method(method) {
            let of_it = || calls.iter().filter(|call| call.method == method);
            let has = |call: &Call| call.request.pointer(&member.pointer).is_some();
            assert!(of_it().any(has), "{method} is never handed {}", member.pointer);
            assert!(!member.optional || of_it().any(|call| !has(call)), "{method} always has {}", member.pointer);
        }
    }
}

#[test]
fn names_are_unique_and_known() {
    let calls = calls();
    let names: BTreeSet<_> = calls.iter().map(|call| call.name).collect();
    assert_eq!(names.len(), calls.len());
    for name in DELIBERATE.iter().filter_map(|difference| difference.calls).flatten() {
        assert!(names.contains(name), "{name}");
    }
}
