//! Who is let in under `/emulator`, and what the program says about itself.
use super::{Running, output};

async fn status(running: &Running, path: &str, key: Option<&str>) -> u16 {
    let request = running.http.get(format!("{}{path}", running.near()));
    let request = if let Some(key) = key { request.bearer_auth(key) } else { request };
    request.send().await.unwrap().status().as_u16()
}

/// T128: with a public URL, or bound to more than loopback, it asks for a key.
#[tokio::test]
async fn t128_elsewhere_than_on_loopback_it_asks_for_a_key() {
    for arguments in [
        &["--port=0", "--host=0.0.0.0"][..],
        &["--port=0", "--public-url=https://auth.example.test"],
        &["--port=0", "--host=0.0.0.0", "--public-url=https://auth.example.test"],
    ] {
        let running = Running::start(arguments);
        let key = running.key();
        assert!(key.len() >= 32, "{key}");
        assert_eq!(status(&running, "/emulator/overview", None).await, 401, "{arguments:?}");
        assert_eq!(status(&running, "/emulator/overview", Some("wrong")).await, 401, "{arguments:?}");
        assert_eq!(status(&running, "/emulator/overview", Some(&key)).await, 200, "{arguments:?}");
        assert!(!running.said().contains("warning"), "{}", running.said());
    }
    let running = Running::start(&["--port=0", "--host=0.0.0.0", "--control-key=k3y"]);
    assert_eq!(status(&running, "/emulator/overview", Some("k3y")).await, 200);
    assert_eq!(status(&running, "/emulator/overview", None).await, 401);
    let running = Running::start(&["--port=0", "--control-key=k3y"]);
    assert_eq!(status(&running, "/emulator/overview", None).await, 401, "one that is set is asked for on loopback too");
    let running = Running::start(&["--port=0"]);
    assert_eq!(status(&running, "/emulator/overview", None).await, 200);
}

/// T128: it is opened by name, and says what that means.
#[tokio::test]
async fn t128_it_is_opened_by_name_alone() {
    let running = Running::start(&["--port=0", "--host=0.0.0.0", "--open-control"]);
    assert_eq!(status(&running, "/emulator/overview", None).await, 200);
    running.says(&["warning", "0.0.0.0", "read every code", "--open-control"]);
    let (code, _, stderr) = output(&["--port=0", "--open-control", "--control-key=k3y"]);
    assert!(code == 2 && stderr.contains("only one of the two"), "{stderr}");
    let (code, _, stderr) = output(&["--port=0", "--control-key="]);
    assert!(code == 1 && stderr.contains("control key"), "{stderr}");
}

#[tokio::test]
async fn how_much_it_says_is_for_a_flag_to_say() {
    let (code, _, stderr) = output(&["--log=loud"]);
    assert!(code == 2 && stderr.contains("loud") && stderr.contains("warn"), "{stderr}");
    let running = Running::start(&["--port=0", "--log=debug"]);
    running.api(reqwest::Method::POST, "users/ada/actions/withdrawal", Some(serde_json::json!({}))).await;
    let said = running.says(&["DEBUG", "track", "200"]);
    assert!(!said.contains(&running.secret) && !said.contains("eyJ"), "no secret, no token: {said}");
    let running = Running::start(&["--port=0"]);
    running.api(reqwest::Method::POST, "users/ada/actions/withdrawal", Some(serde_json::json!({}))).await;
    assert_eq!(running.said(), "");
}
