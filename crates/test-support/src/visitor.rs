//! Somebody at a browser: sees pages, clicks what they name, types what they read.
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::Url;

mod faults;

use crate::processes::{Driver, QuickStart};

pub use crate::PATIENCE;

/// How many pages may be left, one after the other, while something is looked for.
const MAX_PAGES_LEFT: usize = 10;

/// A visitor with a browser of their own, and most often a bank.
pub struct Visitor {
    site: String,
    _bank: Option<QuickStart>,
    driver: Driver,
    pub browser: Client,
    http: reqwest::Client,
}

impl Visitor {
    pub async fn arrive() -> Self {
        Self::arrive_with(json!({})).await
    }

    /// With preferences of the browser.
    pub async fn arrive_with(preferences: Value) -> Self {
        let bank = tokio::task::spawn_blocking(QuickStart::open).await.unwrap();
        let site = bank.url().to_owned();
        let visitor = Self { _bank: Some(bank), ..Self::arrive_at(site, preferences).await };
        visitor.open("/").await;
        visitor.sees("Welcome").await;
        visitor
    }

    /// At an application of the test's own.
    pub async fn arrive_at(site: String, preferences: Value) -> Self {
        Self::arrive_without(&[], site, preferences).await
    }

    /// The same, where popups open after a click alone, as in everybody's browser; the driver lets them all open.
    pub async fn arrive_blocking_popups_at(site: String) -> Self {
        Self::arrive_without(&["disable-popup-blocking"], site, json!({})).await
    }

    async fn arrive_without(excluded: &[&str], site: String, preferences: Value) -> Self {
        let mut driver = Driver::start();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--disable-default-apps",
            "--window-size=800,900",
            &format!("--user-data-dir={}", driver.profile.display()),
        ];
        let capabilities = Capabilities::from_iter([
            ("browserName".to_owned(), json!("chrome")),
            (
                "goog:chromeOptions".to_owned(),
                json!({ "args": arguments, "prefs": preferences, "excludeSwitches": excluded }),
            ),
            ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        ]);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let browser = builder.capabilities(capabilities).connect(&driver.url()).await.unwrap();
        driver.session = browser.session_id().await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { site, _bank: None, driver, browser, http }
    }

    /// Signs in as one of the bank's customers.
    pub async fn sign_in(&self, name: &str) {
        self.click(name).await;
        self.reads(".user", &name.to_lowercase()).await;
    }

    pub async fn open(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.site)).await.unwrap();
    }

    pub async fn back(&self) {
        self.browser.back().await.unwrap();
    }

    pub async fn reload(&self) {
        self.browser.refresh().await.unwrap();
    }

    /// Where the browser is.
    pub async fn address(&self) -> Url {
        self.browser.current_url().await.unwrap()
    }

    /// Waits until the page has this heading, and looks over it then.
    pub async fn sees(&self, heading: &str) {
        self.find(&format!("//h1[normalize-space()=\"{heading}\"]")).await;
        self.look_over().await;
    }

    /// The heading of the page that is there once it is one of these.
    pub async fn sees_one_of(&self, headings: &[&str]) -> String {
        let any = headings.iter().map(|heading| format!("normalize-space()=\"{heading}\"")).collect::<Vec<_>>();
        let heading = format!("//h1[{}]", any.join(" or "));
        self.does(Locator::XPath(&heading), async |found| found.text().await).await
    }

    /// Waits until an element says this somewhere.
    pub async fn reads(&self, css: &str, text: &str) {
        let class = css.trim_start_matches('.');
        self.find(&format!(
            "//*[contains(concat(' ', normalize-space(@class), ' '), ' {class} ')][contains(., \"{text}\")]"
        ))
        .await;
    }

    /// The text of an element, as it is seen.
    pub async fn text(&self, css: &str) -> String {
        self.does(Locator::Css(css), async |found| found.text().await).await
    }

    /// Clicks the link or the button that is named so, or whose name is the first part of it.
    pub async fn click(&self, name: &str) {
        let named = format!("normalize-space()=\"{name}\" or strong[normalize-space()=\"{name}\"]");
        let element = format!("(//a|//button|//summary)[{named}]");
        self.does(Locator::XPath(&element), async |found| found.click().await).await;
    }

    /// Fills the field with this label.
    pub async fn fill(&self, label: &str, text: &str) {
        let by_label = format!("//label[normalize-space()=\"{label}\"]");
        let field = format!("{by_label}//input|//input[@id={by_label}/@for]");
        self.fills(Locator::XPath(&field), text).await;
    }

    /// The code in the emulator's panel.
    pub async fn code(&self) -> String {
        let code = self.text(".emulator .shown").await;
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        code
    }

    /// Leaves the challenge of this action, whose application says so, tries again and fails it, of which it says something else.
    pub async fn leaves_and_then_fails(&self, action: &str) {
        self.sees(action).await;
        self.click("Cancel").await;
        self.sees("Not confirmed yet").await;
        self.click("Try again").await;
        self.sees(action).await;
        self.click("Fail this challenge").await;
        self.sees("This was refused").await;
    }

    /// Types the code that the panel shows, on the challenge page for an action.
    pub async fn confirms(&self, action: &str) {
        self.sees(action).await;
        let code = self.code().await;
        self.types(&code).await;
    }

    /// Types a code on a challenge page, and waits until that page is left, be it for another one that looks the same.
    pub async fn types(&self, code: &str) {
        self.fills(Locator::Id("code"), code).await;
        self.evaluates("document.documentElement.setAttribute('data-typed', '')").await;
        self.click("Confirm").await;
        self.leaves_what_is_marked("data-typed").await;
    }

    /// Goes to the bank's first page, where everything is.
    pub async fn goes_home(&self) {
        self.open("/").await;
        self.sees("Welcome").await;
    }

    /// How much was sent so far, as the bank's page says.
    pub async fn transfers(&self) -> String {
        self.goes_home().await;
        let sent = self.text("h2.sent").await;
        sent.strip_prefix("Sent so far: ").unwrap().to_owned()
    }

    /// Checks that the browser is at this path of the bank, with nothing after it.
    pub async fn is_at(&self, path: &str) {
        assert_eq!(self.address().await.as_str(), format!("{}{path}", self.site));
    }

    pub async fn tab(&self) -> WindowHandle {
        self.browser.window().await.unwrap()
    }

    /// Opens a tab, and goes there.
    pub async fn opens_a_tab(&self) -> WindowHandle {
        let tab = self.browser.new_window(true).await.unwrap().handle;
        self.goes_to(&tab).await;
        tab
    }

    pub async fn goes_to(&self, tab: &WindowHandle) {
        self.browser.switch_to_window(tab.clone()).await.unwrap();
    }

    /// The bank's cookies, by name, with their `SameSite`.
    pub async fn cookies(&self) -> Vec<(String, String)> {
        let cookies = self.browser.get_all_cookies().await.unwrap().into_iter();
        let mut cookies: Vec<_> = cookies
            .map(|cookie| {
                assert_eq!(cookie.http_only(), Some(true), "{cookie}");
                (
                    cookie.name().to_owned(),
                    cookie.same_site().map_or_else(String::new, |same_site| same_site.to_string()),
                )
            })
            .collect();
        cookies.sort();
        cookies
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) {
        self.driver("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    pub async fn evaluates(&self, script: &str) -> Value {
        self.browser.execute(script, vec![]).await.unwrap()
    }

    pub async fn picture(&self) -> Vec<u8> {
        self.browser.screenshot().await.unwrap()
    }

    /// Leaves, and checks that no page complained to the console. Statuses of 400 and more are noted there too.
    pub async fn leaves(self) {
        let log = self.driver("se/log", json!({ "type": "browser" })).await;
        let complaints: Vec<_> =
            log["value"].as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect();
        let unexpected = complaints.iter().find(|text| !text.contains("the server responded with a status of"));
        assert_eq!(unexpected, None);
    }

    /// What pages have told the console so far, those in frames of other sites too, of which the driver hears nothing.
    pub fn console(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.driver.profile.join("chrome_debug.log")).expect("Chromium keeps a log");
        log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect()
    }

    /// A command of the driver's that has no method here.
    pub async fn driver(&self, command: &str, body: Value) -> Value {
        let session = self.driver.session.as_deref().unwrap();
        let url = format!("{}/session/{session}/{command}", self.driver.url());
        let answer: Value = self.http.post(url).json(&body).send().await.unwrap().json().await.unwrap();
        assert!(answer["value"].get("error").is_none(), "{answer}");
        answer
    }

    /// Runs the body of an asynchronous function in the page, with `args`, and waits for what it returns or throws.
    pub async fn runs(&self, body: &str, args: Value) -> Result<Value, String> {
        let script = format!(
            "const [args, done] = arguments; (async () => {{ {body} }})().then(
                value => done({{ value: value ?? null }}), error => done({{ error: `${{error.name}}: ${{error.message}}` }}));"
        );
        let mut answer = self.browser.execute_async(&script, vec![args]).await.unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].take()),
        }
    }

    /// Waits for a frame, and is in it from then on.
    pub async fn enters(&self, frame: &str) {
        self.waits_for(Locator::Css(frame)).await.enter_frame().await.unwrap();
    }

    /// Is in the page itself again, whose frame may be gone.
    pub async fn leaves_frames(&self) {
        self.driver("frame", json!({ "id": null })).await;
    }

    /// Waits for another window than this one, and goes there.
    pub async fn goes_to_the_window_beside(&self, this: &WindowHandle) {
        let other = tokio::time::timeout(PATIENCE, async {
            loop {
                let windows = self.browser.windows().await.unwrap();
                if let Some(other) = windows.into_iter().find(|window| window != this) {
                    return other;
                }
            }
        });
        self.goes_to(&other.await.expect("another window")).await;
    }

    /// Waits until an expression is true in the page.
    pub async fn waits_until(&self, expression: &str) {
        let until = format!(
            "const end = Date.now() + args; while (!({expression})) {{ if (Date.now() > end) throw new Error('not yet');
             await new Promise(requestAnimationFrame); }}"
        );
        let patience = json!(u64::try_from(PATIENCE.as_millis()).unwrap());
        self.runs(&until, patience).await.unwrap_or_else(|error| panic!("{expression}: {error}"));
    }

    /// Gets a device that holds credentials: built in (`internal`), or a key to plug in (`usb`). It says yes to all.
    pub async fn gets_authenticator(&self, transport: &str) -> String {
        let built_in = transport == "internal";
        let device = json!({
            "protocol": "ctap2", "transport": transport, "hasResidentKey": built_in, "hasUserVerification": built_in,
            "isUserVerified": built_in, "isUserConsenting": true,
        });
        let answer = self.driver("webauthn/authenticator", device).await;
        answer["value"].as_str().unwrap().to_owned()
    }

    async fn find(&self, xpath: &str) -> Element {
        self.waits_for(Locator::XPath(xpath)).await
    }

    async fn fills(&self, field: Locator<'_>, text: &str) {
        self.does(field, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// Waits for an element and does something with it. A page that was left between the two took its element with it: the one of
    /// the next page is waited for then.
    async fn does<T>(&self, locator: Locator<'_>, what: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        let mut left = 0;
        loop {
            match what(self.waits_for(locator).await).await {
                Ok(done) => return done,
                Err(error) if left < MAX_PAGES_LEFT && error.is_stale_element_reference() => left += 1,
                Err(error) => self.fail(&format!("{locator:?}: {error}")).await,
            }
        }
    }

    /// Waits until the page whose root has this attribute is left, or its window or frame is closed.
    async fn leaves_what_is_marked(&self, attribute: &str) {
        let marked = format!("html[{attribute}]");
        let left = tokio::time::timeout(PATIENCE, async {
            while match self.browser.find_all(Locator::Css(&marked)).await {
                Ok(found) => !found.is_empty(),
                Err(error) if error.is_no_such_window() || error.is_no_such_frame() => false,
                Err(error) if is_of_a_page_that_is_left(&error) => true,
                Err(error) => self.fail(&format!("{marked}: {error}")).await,
            } {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        if left.await.is_err() {
            self.fail(&format!("{marked}: still there")).await;
        }
    }

    pub async fn waits_for(&self, locator: Locator<'_>) -> Element {
        let mut left = 0;
        loop {
            let wait = self.browser.wait().at_most(PATIENCE).every(Duration::from_millis(10));
            match wait.for_element(locator).await {
                Ok(element) => return element,
                Err(error) if left < MAX_PAGES_LEFT && is_of_a_page_that_is_left(&error) => left += 1,
                Err(error) => self.fail(&format!("{locator:?}: {error}")).await,
            }
        }
    }

    async fn fail(&self, why: &str) -> ! {
        let source = self.browser.source().await.unwrap_or_default();
        let body = source.find("<body").map_or(&*source, |at| &source[at..]);
        panic!("{why}\nat {:?}\n{body}", self.browser.current_url().await.map(String::from));
    }
}

/// Whether the driver had no answer because the page that it looked at was left at that moment.
fn is_of_a_page_that_is_left(error: &CmdError) -> bool {
    matches!(error, CmdError::NotW3C(Value::Null)) || error.to_string().contains("aborted by navigation")
}
