//! The functions of FHIRPath (N1 §functions; FHIR R4 `fhirpath.html` §2.9.3), by what they work on.

mod boundary;
mod collection;
mod convert;
mod element;
mod lambda;
mod math;
mod text;

use super::evaluate::{EvaluationError, Focus, Found, Machine, integer, single, text_of};
use super::item::{Item, Items};
use super::syntax::Node;

/// What a group of functions works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Whole collections.
    Collection,
    /// Expressions, applied to each item.
    Lambda,
    /// One text.
    Text,
    /// One value, made another.
    Convert,
    /// One number.
    Math,
    /// The precision of one value.
    Boundary,
    /// Elements of a resource.
    Element,
}

macro_rules! functions {
    ($( $group:ident: $( $name:ident $text:literal $least:literal $most:literal ),* ; )*) => {
        /// A function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function { $($( #[doc = $text] $name, )*)* }

        impl Function {
            /// The function of a name that takes so many arguments.
            pub(super) fn of(name: &str, arguments: usize) -> Option<Self> {
                match name {
                    $($( $text if ($least..=$most).contains(&arguments) => Some(Self::$name), )*)*
                    _ => None,
                }
            }

            pub(super) const fn name(self) -> &'static str {
                match self { $($( Self::$name => $text, )*)* }
            }

            const fn group(self) -> Group {
                match self { $( $( Self::$name )|* => Group::$group, )* }
            }
        }

        /// Every function's name, with the fewest and the most arguments it takes.
        pub const FUNCTIONS: &[(&str, usize, usize)] = &[ $($( ($text, $least, $most), )*)* ];
    };
}

functions! {
    Collection: AllFalse "allFalse" 0 0, AllTrue "allTrue" 0 0, AnyFalse "anyFalse" 0 0, AnyTrue "anyTrue" 0 0,
        Combine "combine" 1 1, Count "count" 0 0, Distinct "distinct" 0 0, Empty "empty" 0 0, Exclude "exclude" 1 1,
        First "first" 0 0, Intersect "intersect" 1 1, IsDistinct "isDistinct" 0 0, Last "last" 0 0, Not "not" 0 0,
        Single "single" 0 0, Skip "skip" 1 1, SubsetOf "subsetOf" 1 1, SupersetOf "supersetOf" 1 1,
        Tail "tail" 0 0, Take "take" 1 1, Union "union" 1 1;
    Lambda: Aggregate "aggregate" 1 2, All "all" 1 1, Any "any" 0 1, Exists "exists" 0 1, Iif "iif" 2 3,
        Repeat "repeat" 1 1, Select "select" 1 1, Sort "sort" 0 9, Trace "trace" 1 2, Where "where" 1 1;
    Text: ContainsText "contains" 1 1, Decode "decode" 1 1, Encode "encode" 1 1, EndsWith "endsWith" 1 1,
        Escape "escape" 1 1, IndexOf "indexOf" 1 1, Join "join" 0 1, LastIndexOf "lastIndexOf" 1 1,
        Length "length" 0 0, Lower "lower" 0 0, Matches "matches" 1 1, MatchesFull "matchesFull" 1 1,
        Replace "replace" 2 2, ReplaceMatches "replaceMatches" 2 2, Split "split" 1 1, StartsWith "startsWith" 1 1,
        Substring "substring" 1 2, ToChars "toChars" 0 0, Trim "trim" 0 0, Unescape "unescape" 1 1,
        Upper "upper" 0 0;
    Convert: ConvertsToBoolean "convertsToBoolean" 0 0, ConvertsToDate "convertsToDate" 0 0,
        ConvertsToDateTime "convertsToDateTime" 0 0, ConvertsToDecimal "convertsToDecimal" 0 0,
        ConvertsToInteger "convertsToInteger" 0 0, ConvertsToQuantity "convertsToQuantity" 0 1,
        ConvertsToString "convertsToString" 0 0, ConvertsToTime "convertsToTime" 0 0,
        ToBoolean "toBoolean" 0 0, ToDate "toDate" 0 0, ToDateTime "toDateTime" 0 0, ToDecimal "toDecimal" 0 0,
        ToInteger "toInteger" 0 0, ToQuantity "toQuantity" 0 1, ToString "toString" 0 0, ToTime "toTime" 0 0;
    Math: Abs "abs" 0 0, Ceiling "ceiling" 0 0, Exp "exp" 0 0, Floor "floor" 0 0, Ln "ln" 0 0, Log "log" 1 1,
        Power "power" 1 1, Round "round" 0 1, Sqrt "sqrt" 0 0, Truncate "truncate" 0 0;
    Boundary: Comparable "comparable" 1 1, HighBoundary "highBoundary" 0 1, LowBoundary "lowBoundary" 0 1,
        Now "now" 0 0, Precision "precision" 0 0, TimeOfDay "timeOfDay" 0 0, Today "today" 0 0;
    Element: CheckModifiers "checkModifiers" 0 9, Children "children" 0 0, ConformsTo "conformsTo" 1 1,
        Descendants "descendants" 0 0, Extension "extension" 1 1, GetValue "getValue" 0 0, HasValue "hasValue" 0 0,
        HtmlChecks "htmlChecks" 0 0, MemberOf "memberOf" 1 1, Resolve "resolve" 0 0, Type "type" 0 0;
}

/// What a function is called with.
struct Call<'c, 's, 'e, 'a> {
    machine: &'c Machine<'e, 'a>,
    function: Function,
    arguments: &'c [Node],
    focus: Focus<'s, 'a>,
}

/// Calls a function on a collection.
pub(super) fn call<'a>(
    machine: &Machine<'_, 'a>,
    function: Function,
    input: Items<'a>,
    arguments: &[Node],
    focus: Focus<'_, 'a>,
) -> Found<'a> {
    let call = Call { machine, function, arguments, focus };
    match function.group() {
        Group::Collection => collection::call(&call, input),
        Group::Lambda => lambda::call(&call, input),
        Group::Text => text::call(&call, &input),
        Group::Convert => convert::call(&call, &input),
        Group::Math => math::call(&call, &input),
        Group::Boundary => boundary::call(&call, &input),
        Group::Element => element::call(&call, input),
    }
}

impl<'a> Call<'_, '_, '_, 'a> {
    const fn name(&self) -> &'static str {
        self.function.name()
    }

    const fn wrong(&self) -> EvaluationError {
        EvaluationError::Type(self.name())
    }

    /// The value of an argument, in the focus that the function stands in; nothing where it is left out.
    fn argument(&self, place: usize) -> Found<'a> {
        self.arguments.get(place).map_or(Ok(Vec::new()), |node| self.machine.value(node, self.focus))
    }

    fn text(&self, place: usize) -> Result<Option<String>, EvaluationError> {
        text_of(&self.argument(place)?, self.name())
    }

    fn integer(&self, place: usize) -> Result<Option<i64>, EvaluationError> {
        integer(&self.argument(place)?, self.name())
    }

    fn single<'i>(&self, input: &'i [Item<'a>]) -> Result<Option<&'i Item<'a>>, EvaluationError> {
        single(input, self.name())
    }
}
