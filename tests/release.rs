//! T103: what is for tests is refused in a release.
//!
//! `test.sh` runs it a second time with the layer, and this, compiled without `debug_assertions`, as a release is.
use axum::http::HeaderMap;
use axum_authsignal::testing::{Outcome, Script};
use axum_authsignal::{Authsignal, ConfigError, User};

fn built(script: &Script) -> Result<Authsignal, ConfigError> {
    Authsignal::scripted(script)
        .callback_url("https://app.example.com/authsignal/callback")
        .identify(|_: HeaderMap| async { User::new("ada") })
        .build()
}

/// T103: a script decides in no release build, unless that is allowed by a name that nobody writes by mistake.
#[test]
fn t103_a_release_decides_by_no_script() {
    let script = Script::new().outcome("pay", Outcome::Allow);
    let is_release = !cfg!(debug_assertions);
    println!("a release: {is_release}");
    match built(&script) {
        Err(error) => {
            assert!(is_release, "{error}");
            assert_eq!(error, ConfigError::ScriptInRelease);
            assert!(error.to_string().contains("`Script::dangerous_allow_in_release`"), "{error}");
        }
        Ok(_) => assert!(!is_release, "a release decides by a script"),
    }
    assert!(built(&script.dangerous_allow_in_release()).is_ok());
}
