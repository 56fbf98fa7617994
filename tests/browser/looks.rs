//! How every page looks, on a phone and on a desk, in light and in dark; the pictures of `docs/walk.md` are taken here.
use std::path::PathBuf;

use serde_json::json;

use crate::visitor::Visitor;

/// The lowest contrast of any text against what is behind it, and that text.
const CONTRAST: &str = r#"
    const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const parts = color => color.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = parts(getComputedStyle(element).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const faults = [];
    for (const element of document.body.querySelectorAll("*")) {
        const text = [...element.childNodes].find(node => node.nodeType === 3 && node.data.trim());
        if (!text || !element.checkVisibility() || element.closest("svg")) continue;
        const [a, b] = [parts(getComputedStyle(element).color), behind(element)].map(light).sort((a, b) => b - a);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) faults.push(`${ratio.toFixed(2)}: ${text.data.trim()}`);
    }
    for (const control of document.querySelectorAll("button, a.go, a.tile, input:not([type=hidden])"))
        if (control.checkVisibility() && control.getBoundingClientRect().height < 40)
            faults.push(`hard to hit: ${control.outerHTML}`);
    return faults;
"#;

/// A screen to look at pages on.
struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    dark: bool,
}

impl Screen {
    async fn turn_on(&self, visitor: &Visitor) {
        let &Self { width, height, .. } = self;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        visitor.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if self.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        visitor.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Looks over the page that is there, and takes a picture of it where one was asked for.
    async fn shows(&self, visitor: &Visitor, page: &str) {
        visitor.look_over().await;
        let faults = visitor.evaluates(CONTRAST).await;
        assert_eq!(faults, json!([]), "{page} on {}", self.name);
        if let Some(folder) = std::env::var_os("SCREENSHOTS") {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{page}-{}.png", self.name)), visitor.picture().await).unwrap();
        }
    }

    /// Goes through everything, and looks.
    async fn walk(&self) {
        let visitor = Visitor::arrive().await;
        self.turn_on(&visitor).await;
        self.shows(&visitor, "sign-in").await;
        visitor.sign_in("Ada").await;
        self.shows(&visitor, "home").await;

        visitor.click("Card").await;
        visitor.sees("View card").await;
        self.shows(&visitor, "challenge").await;
        visitor.types("123").await;
        visitor.reads(".problem", "That code is wrong").await;
        self.shows(&visitor, "wrong-code").await;
        visitor.click("Cancel").await;
        visitor.sees("Not confirmed yet").await;
        self.shows(&visitor, "left").await;

        visitor.goes_home().await;
        visitor.click("Statement").await;
        visitor.confirms("View statement").await;
        visitor.sees("Your statement").await;
        visitor.goes_home().await;
        visitor.click("Statement").await;
        visitor.sees("Your statement").await;
        self.shows(&visitor, "remembered").await;

        visitor.goes_home().await;
        visitor.click("Send").await;
        visitor.confirms("Transfer").await;
        visitor.sees("Confirmed").await;
        self.shows(&visitor, "resume").await;
        visitor.click("Continue").await;
        visitor.sees("Money sent").await;
        self.shows(&visitor, "sent").await;

        visitor.goes_home().await;
        visitor.click("Close the account").await;
        visitor.sees("This was refused").await;
        self.shows(&visitor, "refused").await;
        visitor.open("/authsignal/callback?flow=x").await;
        visitor.sees("This link is not complete").await;
        self.shows(&visitor, "broken").await;

        visitor.goes_home().await;
        visitor.click("Sign out").await;
        visitor.sign_in("Grace").await;
        visitor.click("Limit").await;
        visitor.sees("View limit").await;
        self.shows(&visitor, "first-method").await;
        visitor.click("Code by e-mail").await;
        visitor.reads(".eyebrow", "Set up verification").await;
        self.shows(&visitor, "address").await;
        visitor.click("Use another method").await;
        visitor.click("Authenticator app").await;
        visitor.text(".scan").await;
        self.shows(&visitor, "app").await;
        visitor.leaves().await;
    }
}

#[tokio::test]
async fn on_a_desk() {
    Screen { name: "desk", width: 800, height: 720, dark: false }.walk().await;
}

#[tokio::test]
async fn on_a_desk_in_the_dark() {
    Screen { name: "desk-dark", width: 1100, height: 720, dark: true }.walk().await;
}

#[tokio::test]
async fn on_a_phone() {
    Screen { name: "phone", width: 360, height: 740, dark: false }.walk().await;
}

#[tokio::test]
async fn on_a_phone_in_the_dark() {
    Screen { name: "phone-dark", width: 360, height: 740, dark: true }.walk().await;
}
