//! The suites that are written in the SDKs' own languages, each file with an emulator and a clock of its own.
use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::Clock;
use authsignal_emulator::{AppClient, Emulator, Tenant};

use crate::runner::{against, node, output, passed_by_node, passed_by_python, python, root};

/// 2026-01-15T10:00:00Z. The suites know it.
const START: u64 = 1_768_471_200;

/// The tenant's other API secret key.
const SECOND_SECRET: &str = "previous-secret-456";

async fn emulator() -> Emulator {
    let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(START));
    let tenant = Tenant::new()
        .second_secret(SECOND_SECRET)
        .custom_domain("mfa.example.com")
        .app_client(AppClient::new("46e1a7f0-6f0d-4c53-9d1e-0c0e2f6f7a10"));
    Emulator::builder().clock(clock).tenant(tenant).start().await.unwrap()
}

/// Names the suites of an SDK, and checks that no file of theirs is left out.
macro_rules! suites {
    ($run:ident, $($name:ident $file:literal at least $least:literal,)*) => {
        $(#[tokio::test]
        async fn $name() {
            println!("{}", $run($file, $least).await);
        })*

        #[test]
        fn no_file_is_left_out() {
            let files = std::fs::read_dir(root().join(FOLDER)).unwrap().map(|file| file.unwrap().file_name());
            let suites: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).filter(|name| is_suite(name)).collect();
            assert_eq!(suites, BTreeSet::from([$($file.to_owned()),*]));
        }
    };
}

mod of_node {
    use std::sync::Arc;

    use super::*;
    use crate::receiver::receive_webhooks;

    const FOLDER: &str = "crates/authsignal-emulator/tests/sdk/node";

    fn is_suite(name: &str) -> bool {
        name.ends_with(".test.mjs")
    }

    async fn run(file: &str, least: usize) -> String {
        let emulator = Arc::new(emulator().await);
        let mut command = node();
        command.env("WEBHOOKS", receive_webhooks(&emulator).await).env("SECOND_SECRET", SECOND_SECRET);
        command.args(["--test", "--test-reporter", "tap"]).arg(format!("{FOLDER}/{file}"));
        let passed = passed_by_node(&output(against(&mut command, &emulator)).await);
        assert!(passed >= least, "{passed} tests, which were {least}");
        format!("@authsignal/node, {file}: {passed} passed, 0 failed, 0 skipped")
    }

    suites! { run,
        actions "actions.test.mjs" at least 11,
        auth0 "auth0.test.mjs" at least 4,
        authenticators "authenticators.test.mjs" at least 6,
        call_connect "call-connect.test.mjs" at least 3,
        challenges "challenges.test.mjs" at least 14,
        errors "errors.test.mjs" at least 7,
        hooks "hooks.test.mjs" at least 7,
        retries "retries.test.mjs" at least 4,
        sessions "sessions.test.mjs" at least 8,
        users "users.test.mjs" at least 9,
        validate "validate.test.mjs" at least 8,
        webhooks "webhooks.test.mjs" at least 4,
    }
}

mod of_python {
    use super::*;

    const FOLDER: &str = "crates/authsignal-emulator/tests/sdk/python";

    fn is_suite(name: &str) -> bool {
        name.starts_with("test_")
    }

    async fn unittest(emulator: &Emulator, module: &str, least: usize) -> String {
        let mut command = python();
        // Without compiled files, which it would leave in the repository.
        command.args(["-B", "-m", "unittest", module]).env("PYTHONPATH", FOLDER);
        let passed = passed_by_python(&output(against(&mut command, emulator)).await);
        assert!(passed >= least, "{passed} tests, which were {least}");
        format!("authsignal for Python, {module}: {passed} passed, 0 failed, 0 skipped")
    }

    async fn run(file: &str, least: usize) -> String {
        unittest(&emulator().await, file.trim_end_matches(".py"), least).await
    }

    suites! { run,
        actions "test_actions.py" at least 11,
        errors "test_errors.py" at least 5,
        users "test_users.py" at least 7,
    }

    /// What the package brings along: the tests of the SDK's authors, for a tenant in which one user is enrolled.
    #[tokio::test]
    async fn its_own() {
        let emulator = emulator().await;
        emulator.user("user123").enroll_email_otp("user123@example.com");
        println!("{}", unittest(&emulator, "authsignal.client_tests", 9).await);
    }
}
