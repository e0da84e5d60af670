//! The XHTML of a narrative, held to what is safe to show (R4 `narrative.html`, txt-1 and txt-2).
//!
//! A scanner, not a parser of XML: it reads tags, attributes and references in one pass, and refuses
//! what it does not know.

/// Elements a narrative may hold (R4 `narrative.html#rules`: chapters 7-11 and 15 of HTML 4.0, `a`, `img`).
const ELEMENTS: [&str; 51] = [
    "a",
    "abbr",
    "acronym",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
    "kbd",
    "bdo",
    "address",
];

/// Attributes any element may carry; `xmlns` and `xml:lang` besides, and events never.
const ATTRIBUTES: [&str; 47] = [
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "value",
];

/// More attributes of tables and lists that published narratives use.
const MORE_ATTRIBUTES: [&str; 7] = ["vspace", "width", "xml:lang", "xml:space", "xmlns", "xmlns:xsi", "data-fhir"];

/// Deepest nesting read.
const DEEPEST: usize = 100;

/// Whether a narrative's `div` is balanced, says something, and holds only what R4 lets it hold: no script, no
/// form, no event, no address that runs.
pub fn is_safe(div: &str) -> bool {
    let mut scanner = Scanner { rest: div.trim(), open: Vec::new(), has_content: false };
    scanner.rest.starts_with("<div") && scanner.read().is_some() && scanner.has_content
}

struct Scanner<'a> {
    rest: &'a str,
    open: Vec<&'a str>,
    has_content: bool,
}

impl<'a> Scanner<'a> {
    /// Reads one element with all it holds, and nothing after it.
    fn read(&mut self) -> Option<()> {
        loop {
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest.split_once("-->")?.1;
            } else if let Some(rest) = self.rest.strip_prefix("</") {
                let (name, rest) = rest.split_once('>')?;
                self.rest = rest;
                if self.open.pop()? != name.trim_end() {
                    return None;
                }
            } else if let Some(rest) = self.rest.strip_prefix('<') {
                self.rest = rest;
                self.tag()?;
            } else {
                self.text()?;
            }
            if self.open.is_empty() {
                return self.rest.is_empty().then_some(());
            }
        }
    }

    fn text(&mut self) -> Option<()> {
        let end = self.rest.find('<')?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.has_content |= !text.trim().is_empty();
        references_hold(text).then_some(())
    }

    /// A start tag, after its `<`.
    fn tag(&mut self) -> Option<()> {
        let name = self.word()?;
        if !ELEMENTS.contains(&name) || self.open.len() >= DEEPEST {
            return None;
        }
        self.has_content |= name == "img";
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                return Some(());
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                self.open.push(name);
                return Some(());
            }
            self.attribute()?;
        }
    }

    fn attribute(&mut self) -> Option<()> {
        let name = self.word()?;
        self.rest = self.rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = self.rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, rest) = self.rest.strip_prefix(quote)?.split_once(quote)?;
        self.rest = rest;
        let known = ATTRIBUTES.contains(&name) || MORE_ATTRIBUTES.contains(&name);
        let value_holds = match name {
            "href" | "src" | "cite" | "longdesc" => is_harmless_address(value),
            "style" => is_harmless_style(value),
            _ => true,
        };
        (known && value_holds && !value.contains('<') && references_hold(value)).then_some(())
    }

    /// A name of an element or attribute.
    fn word(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ':' | '-'))?;
        let (word, rest) = self.rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
        self.rest = rest;
        Some(word)
    }
}

/// Whether each `&` begins a reference that ends: an unknown name draws nothing in, so any may stand.
fn references_hold(text: &str) -> bool {
    text.split('&').skip(1).all(|after| {
        after.split_once(';').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.len() <= 32
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'#')
        })
    })
}

/// An address that shows something or leads somewhere, but runs nothing.
fn is_harmless_address(address: &str) -> bool {
    // A reference or a control character could hide the scheme.
    let scheme: String = address.chars().take_while(|c| !matches!(c, '/' | '#' | '?')).collect();
    let Some((scheme, rest)) = scheme.split_once(':') else { return !scheme.contains('&') };
    let scheme = scheme.trim().to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https" | "ftp" | "mailto" | "tel" | "urn" | "cid")
        || (scheme == "data" && rest.trim_start().to_ascii_lowercase().starts_with("image"))
}

/// A style that draws nothing in from elsewhere: an image within is no elsewhere.
fn is_harmless_style(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    let is_image = |after: &str| {
        let data = after.trim_start_matches([' ', '\'', '"']).strip_prefix("data:");
        data.is_some_and(|data| data.trim_start().starts_with("image/"))
    };
    style.split("url(").skip(1).all(is_image)
        && !["expression(", "@import", "javascript:", "behavior", "\\"].iter().any(|word| style.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_narratives_pass() {
        for div in [
            "<div xmlns=\"http://www.w3.org/1999/xhtml\">Compte rendu &amp; suite &#233;<br/></div>",
            "<div xmlns='x'><table class=\"grid\"><tr><td>1</td></tr></table><!-- c --></div>",
            "<div><a href=\"Patient/1\">x</a> <a href=\"https://a.b/c\">y</a><img src=\"#i\" alt=\"z\"/></div>",
        ] {
            assert!(is_safe(div), "{div}");
        }
    }

    #[test]
    fn what_could_run_or_is_not_balanced_is_refused() {
        for div in [
            "",
            "text",
            "<p>x</p>",
            "<div></div>",
            "<div>  </div>",
            "<div>x",
            "<div>x</p>",
            "<div>x</div><div>y</div>",
            "<div><script>x</script></div>",
            "<div><SCRIPT>x</SCRIPT></div>",
            "<div onclick=\"x()\">x</div>",
            "<div><a href=\"javascript:x()\">x</a></div>",
            "<div><a href=\" JaVaScript:x()\">x</a></div>",
            "<div><a href=\"java&#115;cript:x()\">x</a></div>",
            "<div><img src=\"data:text/html,x\"/></div>",
            "<div><iframe src=\"x\"/>x</div>",
            "<div style=\"background:url(http://x)\">x</div>",
            "<div style=\"background:url(data:image/png;base64,AA) url(//x)\">x</div>",
            "<div>a & b</div>",
            "<div><![CDATA[x]]></div>",
            "<div><?php x ?></div>",
            "<div><form>x</form></div>",
        ] {
            assert!(!is_safe(div), "{div}");
        }
        assert!(!is_safe(&"<div>".repeat(100_000)));
    }
}
