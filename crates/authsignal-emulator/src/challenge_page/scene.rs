//! What can be in the middle of the page, under it and beside it.
use authsignal_client::VerificationMethod;

use crate::challenge_page::words::text::Text;
use crate::db::proof::Aim;

/// One look of the page.
#[derive(Debug)]
pub(super) struct Drawn {
    /// Over the heading, in small.
    pub(super) eyebrow: &'static str,
    /// In the place of the action's name.
    pub(super) heading: Option<&'static str>,
    pub(super) scene: Scene,
    /// What the form in the middle is about: a method, and which one of the user's.
    pub(super) view: String,
    pub(super) item: String,
    pub(super) ways: Vec<Way>,
    pub(super) panel: Option<Panel>,
    /// What has to be begun first.
    pub(super) wants: Option<Begin>,
    /// Where this can be done, if not here.
    pub(super) hop: Option<String>,
}

impl Drawn {
    pub(super) fn new(eyebrow: &'static str, scene: Scene) -> Self {
        Self {
            eyebrow,
            heading: None,
            scene,
            view: String::new(),
            item: String::new(),
            ways: Vec::new(),
            panel: None,
            wants: None,
            hop: None,
        }
    }
}

/// A code to send, a ceremony to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) aim: Aim,
    pub(super) method: VerificationMethod,
    pub(super) item: Option<String>,
}

impl Begin {
    /// Whether somebody gets a message by it. After a mistake none is sent: that would void the one before.
    pub(super) fn sends(&self) -> bool {
        use VerificationMethod as Method;
        matches!(self.method, Method::EmailOtp | Method::EmailMagicLink | Method::Sms | Method::Whatsapp | Method::Push)
    }
}

/// The middle of the page.
#[derive(Debug)]
pub(super) enum Scene {
    /// A code is asked for.
    Code(Code),
    /// One of several methods is to be chosen.
    Choices(Choices),
    /// An e-mail address or a phone number is asked for.
    Address(Address),
    /// Something has to happen elsewhere.
    Wait(Wait),
    /// A passkey or security key is asked for, or made.
    Key(KeyPrompt),
    /// Recovery codes are shown.
    Codes(Vec<String>),
    /// The user's methods are listed.
    Settings(Settings),
    /// A method is about to be removed.
    Remove(Text),
    /// Nothing more to ask.
    End(End),
}

#[derive(Debug)]
pub(super) struct Code {
    pub(super) intro: Text,
    /// A new authenticator app.
    pub(super) setup: Option<AppSetup>,
    pub(super) label: &'static str,
    pub(super) is_digits: bool,
}

#[derive(Debug)]
pub(super) struct AppSetup {
    /// An SVG element.
    pub(super) qr: String,
    pub(super) secret: String,
}

#[derive(Debug)]
pub(super) struct Choices {
    pub(super) intro: &'static str,
    pub(super) choices: Vec<Choice>,
}

/// One method to choose.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) href: String,
    pub(super) name: &'static str,
    pub(super) hint: String,
}

#[derive(Debug)]
pub(super) struct Address {
    pub(super) intro: &'static str,
    pub(super) is_email: bool,
    pub(super) value: String,
    pub(super) button: &'static str,
}

#[derive(Debug)]
pub(super) struct Wait {
    pub(super) intro: Text,
    /// An SVG element.
    pub(super) qr: Option<String>,
    pub(super) button: &'static str,
    /// What the page has seen, and where to look for more.
    pub(super) since: String,
    pub(super) poll: String,
    /// What was asked for.
    pub(super) challenge: String,
}

#[derive(Debug)]
pub(super) struct KeyPrompt {
    pub(super) intro: &'static str,
    pub(super) button: &'static str,
    /// The browser's function: `create` or `get`.
    pub(super) does: &'static str,
    /// What it is to be given, in JSON; nothing where the ceremony couldn't begin.
    pub(super) options: Option<String>,
    pub(super) challenge: String,
}

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) items: Vec<Item>,
    pub(super) add: Option<String>,
}

/// One of the user's methods.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) hint: String,
    pub(super) is_default: bool,
    pub(super) may_be_default: bool,
    /// The link that removes it.
    pub(super) remove: Option<String>,
}

#[derive(Debug)]
pub(super) struct End {
    pub(super) text: String,
    pub(super) tone: Tone,
    pub(super) way_on: Option<&'static str>,
}

/// How an end is to feel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Neutral,
    Bad,
}

/// What can be done instead.
#[derive(Debug)]
pub(super) enum Way {
    Link {
        label: &'static str,
        href: String,
    },
    /// A button of the form in the middle: send it again.
    Again(&'static str),
    /// To leave without having proved anything.
    Quit(&'static str),
}

/// What no real page would show.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) intro: Text,
    /// A code, in large.
    pub(super) shown: Option<String>,
    pub(super) link: Option<(&'static str, String)>,
    /// The label and the id of the user whose phone it is, where that can be said.
    pub(super) user: Option<(&'static str, String)>,
    /// Buttons of the emulator's phone.
    pub(super) buttons: Vec<Press>,
    pub(super) note: String,
    /// Whether the challenge can be failed.
    pub(super) may_fail: bool,
    /// Whether the link can be had expire.
    pub(super) may_expire: bool,
}

#[derive(Debug)]
pub(super) struct Press {
    pub(super) label: &'static str,
    pub(super) answer: &'static str,
}

impl Panel {
    pub(super) fn new(intro: Text, note: impl Into<String>) -> Self {
        Self {
            intro,
            shown: None,
            link: None,
            user: None,
            buttons: Vec::new(),
            note: note.into(),
            may_fail: false,
            may_expire: false,
        }
    }
}
