//! The hello worlds of the README, as their readers run them. That for Go isn't run: its module comes from a registry of
//! its own.
use std::process::Stdio;

use authsignal_emulator::Emulator;
use test_support::waiting::in_time;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::runner::{against, node, python};

#[tokio::test]
async fn of_node() {
    greets(node().arg("docs/hello/hello.mjs")).await;
}

#[tokio::test]
async fn of_python() {
    greets(python().arg("docs/hello/hello.py")).await;
}

/// Comes with nothing enrolled, confirms, and is greeted; cancels, and isn't.
async fn greets(program: &mut Command) {
    let emulator = Emulator::start().await.unwrap();
    let program = against(program, &emulator).env("PORT", "0").stderr(Stdio::inherit());
    let mut running = program.spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let site = in_time("it says where it is", lines.next_line()).await.unwrap().unwrap();
    let site = site.replace("localhost", "127.0.0.1");

    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let challenge = async || {
        let response = http.get(&site).send().await.unwrap();
        assert_eq!(response.status(), 303);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    let greeting = async |back: String| http.get(back).send().await.unwrap().text().await.unwrap();

    let back = emulator.succeed(&challenge().await).unwrap();
    assert_eq!(greeting(back).await.to_lowercase(), "hello ada! confirmed: true\n");
    let back = emulator.quit(&challenge().await).unwrap();
    assert_eq!(greeting(back).await.to_lowercase(), "hello ada! confirmed: false\n");
    running.kill().await.unwrap();
}
