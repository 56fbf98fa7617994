//! What somebody sees of a page, and can press on it.
use std::collections::BTreeMap;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{HtmlString, StartTag, Token, Tokenizer};

/// A page, as far as a person uses it.
#[derive(Debug, Default)]
pub(crate) struct Html {
    /// The first heading, or else the title.
    pub(crate) title: String,
    /// All words, with single blanks between them.
    pub(crate) text: String,
    /// Where the page leads on to by itself and at once.
    pub(crate) refresh: Option<String>,
    pub(crate) forms: Vec<Form>,
    /// What can be pressed, in order.
    pub(crate) pressables: Vec<Pressable>,
    /// Ids of forms.
    ids: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) is_post: bool,
    pub(crate) is_multipart: bool,
    /// What is sent, with the fields that somebody can type into.
    pub(crate) fields: Vec<(String, String)>,
    /// The names of those that are for files.
    pub(crate) files: Vec<String>,
}

/// A link or a button.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pressable {
    pub(crate) label: String,
    pub(crate) target: Target,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Target {
    /// A button that does nothing without a script.
    #[default]
    Nothing,
    Link(String),
    Form {
        form: usize,
        /// What the button itself adds to it.
        field: Option<(String, String)>,
        /// Where it is sent instead.
        action: Option<String>,
    },
}

/// What stands in a list of forms before its form is known, where `form="id"` names one.
enum Owner {
    Known(Option<usize>),
    Named(String),
}

#[derive(Default)]
struct Reader {
    html: Html,
    form: Option<usize>,
    /// What is being read: the last of these gets the text too.
    pressed: Option<(usize, &'static str)>,
    owners: Vec<(usize, Owner, Option<(String, String)>, Option<String>)>,
    fields: Vec<(Owner, String, String)>,
    files: Vec<(Owner, String)>,
    heading: Option<String>,
    titles: [String; 2],
    hidden: usize,
    textarea: Option<(String, String, Option<usize>)>,
    select: Option<(String, Option<String>)>,
}

impl Html {
    pub(crate) fn read(body: &str) -> Self {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut reader = Reader::default();
        for token in Tokenizer::new_with_emitter(body, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => reader.start(&tag),
                Token::EndTag(tag) => reader.end(&text_of(&tag.name)),
                Token::String(text) => reader.text(&text_of(&text)),
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        reader.finish()
    }
}

fn text_of(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).into_owned()
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let get = |name: &str| tag.attributes.get(name.as_bytes()).map(|value| text_of(value));
        let is = |name: &str, value: &str| get(name).is_some_and(|found| found.eq_ignore_ascii_case(value));
        let owner = |form: Option<usize>| get("form").map_or(Owner::Known(form), Owner::Named);
        let name = text_of(&tag.name);
        let field = get("name").map(|name| (name, get("value").unwrap_or_default()));
        if !matches!(name.as_str(), "a" | "b" | "strong" | "em" | "span" | "bdi" | "code" | "i") {
            self.text(" ");
        }
        match name.as_str() {
            "script" | "style" | "template" if !tag.self_closing => self.hidden += 1,
            "title" | "h1" => self.heading = Some(name),
            "meta" if is("http-equiv", "refresh") => self.html.refresh = get("content").and_then(|to| refresh(&to)),
            "form" if self.form.is_none() => {
                self.form = Some(self.html.forms.len());
                if let Some(id) = get("id") {
                    self.html.ids.insert(id, self.html.forms.len());
                }
                self.html.forms.push(Form {
                    action: get("action").unwrap_or_default(),
                    is_post: is("method", "post"),
                    is_multipart: is("enctype", "multipart/form-data"),
                    fields: vec![],
                    files: vec![],
                });
            }
            "a" => {
                if let Some(href) = get("href") {
                    self.press(Target::Link(href), "a");
                }
            }
            "button" => {
                self.press(Target::Nothing, "button");
                let submits = get("type").is_none_or(|kind| kind.eq_ignore_ascii_case("submit"));
                if submits && get("disabled").is_none() {
                    let at = self.html.pressables.len() - 1;
                    self.owners.push((at, owner(self.form), field, get("formaction")));
                }
            }
            "input" if get("disabled").is_none() => {
                let kind = get("type").unwrap_or_default().to_ascii_lowercase();
                match (kind.as_str(), field) {
                    ("submit" | "image", field) => {
                        let label = get("value").unwrap_or_else(|| "Submit".to_owned());
                        self.html.pressables.push(Pressable { label, target: Target::Nothing });
                        self.owners.push((self.html.pressables.len() - 1, owner(self.form), field, get("formaction")));
                    }
                    ("button" | "reset", _) => {}
                    ("file", Some((name, _))) => {
                        self.files.push((owner(self.form), name.clone()));
                        self.fields.push((owner(self.form), name, String::new()));
                    }
                    ("checkbox" | "radio", Some((name, _))) if get("checked").is_some() => {
                        let value = get("value").unwrap_or_else(|| "on".to_owned());
                        self.fields.push((owner(self.form), name, value));
                    }
                    ("checkbox" | "radio", _) => {}
                    (_, Some((name, value))) => self.fields.push((owner(self.form), name, value)),
                    (_, None) => {}
                }
            }
            "textarea" => self.textarea = get("name").map(|name| (name, String::new(), self.form)),
            "select" => self.select = get("name").map(|name| (name, None)),
            "option" => {
                if let Some((_, chosen)) = &mut self.select
                    && (chosen.is_none() || get("selected").is_some())
                {
                    *chosen = Some(get("value").unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    fn press(&mut self, target: Target, tag: &'static str) {
        self.pressed = Some((self.html.pressables.len(), tag));
        self.html.pressables.push(Pressable { label: String::new(), target });
    }

    fn end(&mut self, name: &str) {
        match name {
            "script" | "style" | "template" => self.hidden = self.hidden.saturating_sub(1),
            "form" => self.form = None,
            "title" | "h1" => self.heading = None,
            "textarea" => {
                if let Some((name, value, form)) = self.textarea.take() {
                    self.fields.push((Owner::Known(form), name, value));
                }
            }
            "select" => {
                if let Some((name, Some(value))) = self.select.take() {
                    self.fields.push((Owner::Known(self.form), name, value));
                }
            }
            _ if self.pressed.is_some_and(|(_, tag)| tag == name) => self.pressed = None,
            _ => {}
        }
        if matches!(name, "p" | "h1" | "h2" | "dt" | "dd" | "li" | "div" | "button" | "td" | "th" | "title") {
            self.text(" ");
        }
    }

    fn text(&mut self, text: &str) {
        if self.hidden > 0 {
            return;
        }
        if let Some((_, value, _)) = &mut self.textarea {
            // The line end right after the tag is none of its text.
            value.push_str(if value.is_empty() { text.strip_prefix('\n').unwrap_or(text) } else { text });
            return;
        }
        if let Some((at, _)) = self.pressed {
            self.html.pressables[at].label.push_str(text);
        }
        match self.heading.as_deref() {
            Some("title") => return self.titles[1].push_str(text),
            Some(_) if self.titles[0].len() < 200 => self.titles[0].push_str(text),
            _ => {}
        }
        self.html.text.push_str(text);
    }

    fn finish(self) -> Html {
        let Self { mut html, owners, fields, files, titles, .. } = self;
        let find = |html: &Html, owner: &Owner| match owner {
            Owner::Known(form) => *form,
            Owner::Named(id) => html.ids.get(id).copied(),
        };
        for (owner, name, value) in fields {
            if let Some(form) = find(&html, &owner) {
                html.forms[form].fields.push((name, value));
            }
        }
        for (owner, name) in files {
            if let Some(form) = find(&html, &owner) {
                html.forms[form].files.push(name);
            }
        }
        for (at, owner, field, action) in owners {
            if let Some(form) = find(&html, &owner) {
                html.pressables[at].target = Target::Form { form, field, action };
            }
        }
        for pressable in &mut html.pressables {
            pressable.label = words(&pressable.label);
        }
        html.text = words(&html.text);
        html.title = titles.iter().map(|title| words(title)).find(|title| !title.is_empty()).unwrap_or_default();
        html
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where `0; url=/there` leads. What waits longer is somebody's to read first.
fn refresh(content: &str) -> Option<String> {
    let (delay, rest) = content.split_once([';', ','])?;
    let (name, url) = rest.trim().split_once('=')?;
    (delay.trim() == "0" && name.trim().eq_ignore_ascii_case("url"))
        .then(|| url.trim().trim_matches(['"', '\'']).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_what_a_browser_sends() {
        let html = Html::read(
            r#"<title>T</title><style>h1{x}</style><h1>One  <b>last</b> step</h1><p>Go&amp;come</p>
            <form method=POST action="/pay?a&#61;1" id=f><input type=hidden name=a value="1&quot;2"><input name=b>
            <textarea name=c>
x
y</textarea><select name=d><option value=1>one<option value=2 selected>two</select>
            <input type=checkbox name=e><input type=checkbox name=g checked><input type=file name=h>
            <button name=step value=go>Con<b>tinue</b></button></form>
            <button form=f formaction="/other">Other</button><a href="/home">Leave</a><button type=button>No</button>
            <script>"<button>Fake</button>"</script>"#,
        );
        assert_eq!((html.title.as_str(), html.refresh.as_deref()), ("One last step", None));
        assert!(html.text.starts_with("One last step Go&come") && !html.text.contains("Fake"), "{}", html.text);
        let form = &html.forms[0];
        assert_eq!((form.action.as_str(), form.is_post, form.is_multipart), ("/pay?a=1", true, false));
        let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("a", "1\"2"), ("b", ""), ("c", "x\ny"), ("d", "2"), ("g", "on"), ("h", "")]);
        let labels: Vec<_> = html.pressables.iter().map(|pressable| pressable.label.as_str()).collect();
        assert_eq!(labels, ["Continue", "Other", "Leave", "No"]);
        assert!(
            matches!(&html.pressables[0].target, Target::Form { form: 0, field: Some((name, _)), .. } if name == "step")
        );
        assert!(matches!(&html.pressables[1].target, Target::Form { form: 0, action: Some(to), .. } if to == "/other"));
        assert!(matches!(html.pressables[3].target, Target::Nothing));
    }

    #[test]
    fn a_page_that_leads_on_at_once_is_followed_and_no_other() {
        let to = |content: &str| Html::read(&format!("<meta http-equiv=refresh content='{content}'>")).refresh;
        assert_eq!(to("0; url=/a?b=1&amp;hop=1").as_deref(), Some("/a?b=1&hop=1"));
        assert_eq!(to("5; url=/a"), None);
        assert_eq!(to("0"), None);
    }
}
