//! The same bank by curl: a client that keeps cookies, and follows no page.
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use test_support::processes::QuickStart;

/// A curl with a cookie jar of its own.
struct Curl {
    bank: QuickStart,
    jar: PathBuf,
}

impl Curl {
    fn start(name: &str) -> Self {
        let jar = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.cookies", std::process::id()));
        Self { bank: QuickStart::open(), jar }
    }

    /// Runs `curl`, and gives the status, where it leads, and the body.
    fn run(&self, arguments: &[&str]) -> (u16, String, String) {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code} %{redirect_url}"]);
        let output = curl.arg("--cookie").arg(&self.jar).arg("--cookie-jar").arg(&self.jar).args(arguments).output();
        let output = output.expect("curl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, end) = text.rsplit_once('\n').unwrap();
        let (status, leads_to) = end.split_once(' ').unwrap();
        (status.parse().unwrap(), leads_to.to_owned(), body.to_owned())
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.bank.url())
    }

    /// Opens a challenge page, types the code that its panel shows, and gives where it leads.
    fn confirm(&self, url: &str) -> String {
        let (status, _, page) = self.run(&[url]);
        assert_eq!(status, 200, "{page}");
        let code = between(&page, "<p class=\"shown\">", "</p>");
        let method = between(&page, "name=\"view\" value=\"", "\"");
        let (origin, token) = url.split_once("?token=").unwrap();
        let fields = [("token", token), ("view", method), ("step", "verify"), ("code", code)];
        let fields = fields.map(|(name, value)| format!("{name}={value}"));
        let [token, view, step, code] = &fields;
        let (status, leads_to, page) = self.run(&["-d", token, "-d", view, "-d", step, "-d", code, origin]);
        assert_eq!(status, 303, "{page}");
        leads_to
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.jar);
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

#[test]
fn a_client_is_told_where_to_confirm_and_asks_again() {
    let curl = Curl::start("client");
    assert_eq!(curl.run(&["-X", "POST", &curl.at("/sign-in/ada")]).0, 303);
    let (status, _, page) = curl.run(&[&curl.at("/balance")]);
    assert!(status == 200 && page.contains("Allowed"), "{status} {page}");

    let transfer = ["-d", "to=Charles", "-d", "amount=25", &curl.at("/transfer")];
    let (status, _, problem) = curl.run(&transfer);
    assert_eq!(status, 403, "{problem}");
    let problem: Value = serde_json::from_str(&problem).unwrap();
    assert_eq!(problem["state"], "CHALLENGE_REQUIRED");
    let back = curl.confirm(problem["url"].as_str().unwrap());
    let (status, on, _) = curl.run(&[&back]);
    assert!(status == 303 && !on.contains("token="), "{status} {on}");
    let (status, _, page) = curl.run(&[&on]);
    assert!(status == 200 && page.contains("<h1>Confirmed</h1>"), "{status} {page}");

    let (status, _, page) = curl.run(&transfer);
    assert!(status == 200 && page.contains("Verified by EMAIL_OTP"), "{status} {page}");
    assert!(page.contains("Sent so far: 1"), "{page}");
    // Once.
    assert_eq!(curl.run(&transfer).0, 403);
    let (status, _, problem) = curl.run(&[&curl.at("/close")]);
    assert!(status == 403 && problem.contains("\"state\":\"BLOCK\""), "{status} {problem}");
}

#[test]
fn what_asks_for_pages_is_led_like_a_browser() {
    let curl = Curl::start("pages");
    assert_eq!(curl.run(&["-X", "POST", &curl.at("/sign-in/ada")]).0, 303);
    let page = "accept: text/html";
    let (status, challenge, _) = curl.run(&["-H", page, &curl.at("/card")]);
    assert_eq!(status, 303);
    let back = curl.confirm(&challenge);
    let (status, on, _) = curl.run(&["-H", page, &back]);
    assert_eq!((status, on), (303, curl.at("/card")));
    let (status, _, card) = curl.run(&["-H", page, &curl.at("/card")]);
    assert!(status == 200 && card.contains("Verified by EMAIL_OTP"), "{status} {card}");
    // The token in the address that was used is worth nothing any more.
    let (status, on, _) = curl.run(&["-H", page, &back]);
    assert_eq!((status, on), (303, curl.at("/card")));
    assert_eq!(curl.run(&["-H", page, &curl.at("/card")]).0, 303, "a new challenge");
}

#[test]
fn a_method_that_a_route_does_not_have_asks_nothing() {
    let curl = Curl::start("methods");
    assert_eq!(curl.run(&["-X", "POST", &curl.at("/sign-in/ada")]).0, 303);
    assert_eq!(curl.run(&[&curl.at("/transfer")]).0, 405);
    assert_eq!(curl.run(&["-X", "POST", &curl.at("/card")]).0, 405);
    assert_eq!(curl.run(&["-X", "POST", &curl.at("/sign-in/mallory")]).0, 404);
    // Nobody signed in: the bank says where that is done.
    std::fs::remove_file(&curl.jar).unwrap();
    let (status, leads_to, _) = curl.run(&[&curl.at("/card")]);
    assert_eq!((status, leads_to), (303, curl.at("/")));
}
