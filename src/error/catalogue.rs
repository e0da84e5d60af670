//! The error catalogue: one row per way to refuse, with every face it may show (house rules §6).
//!
//! `docs/ERRORS.md` is generated from this table.

/// A language of human texts. French comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// The default.
    #[default]
    French,
    /// By `Accept-Language: en`.
    English,
}

/// FHIR `issue-type` codes in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueType {
    /// `business-rule`.
    BusinessRule,
    /// `code-invalid`.
    CodeInvalid,
    /// `conflict`.
    Conflict,
    /// `deleted`.
    Deleted,
    /// `exception`.
    Exception,
    /// `forbidden`.
    Forbidden,
    /// `invariant`.
    Invariant,
    /// `login`.
    Login,
    /// `not-found`.
    NotFound,
    /// `not-supported`.
    NotSupported,
    /// `required`.
    Required,
    /// `structure`.
    Structure,
    /// `throttled`.
    Throttled,
    /// `timeout`.
    Timeout,
    /// `too-costly`.
    TooCostly,
    /// `too-long`.
    TooLong,
    /// `transient`.
    Transient,
    /// `value`.
    Value,
}

impl IssueType {
    /// The code in `http://hl7.org/fhir/issue-type`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BusinessRule => "business-rule",
            Self::CodeInvalid => "code-invalid",
            Self::Conflict => "conflict",
            Self::Deleted => "deleted",
            Self::Exception => "exception",
            Self::Forbidden => "forbidden",
            Self::Invariant => "invariant",
            Self::Login => "login",
            Self::NotFound => "not-found",
            Self::NotSupported => "not-supported",
            Self::Required => "required",
            Self::Structure => "structure",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::TooCostly => "too-costly",
            Self::TooLong => "too-long",
            Self::Transient => "transient",
            Self::Value => "value",
        }
    }
}

/// AuditEvent.outcome of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// `0`.
    Success,
    /// `4`.
    Minor,
    /// `8`.
    Serious,
    /// `12`.
    Major,
}

impl AuditOutcome {
    /// The code in `http://hl7.org/fhir/audit-event-outcome`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Success => "0",
            Self::Minor => "4",
            Self::Serious => "8",
            Self::Major => "12",
        }
    }
}

/// How loud the log line of an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Somebody must look.
    Error,
    /// Somebody may want to look.
    Warn,
    /// Ordinary refusals.
    Info,
}

/// One row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The code in `<base>/CodeSystem/mes-error`.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// OperationOutcome.issue.code.
    pub issue: IssueType,
    /// The XDS error code (ITI TF-3 table 4.2.4.1-2), where one exists.
    pub xds: Option<&'static str>,
    /// AuditEvent.outcome of the refusal.
    pub audit: AuditOutcome,
    /// How loud its log line is.
    pub log: LogLevel,
    /// French text.
    pub french: &'static str,
    /// English text.
    pub english: &'static str,
}

impl Row {
    /// The text in the reader's language.
    pub const fn text(&self, language: Language) -> &'static str {
        match language {
            Language::French => self.french,
            Language::English => self.english,
        }
    }
}

macro_rules! catalogue {
    ($( $(#[$doc:meta])* $code:ident = $name:literal, $status:literal, $issue:ident, $xds:expr, $audit:ident, $log:ident, $french:literal, $english:literal; )*) => {
        /// What may go wrong, seen from outside.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $( $(#[$doc])* $code, )* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[ $( Self::$code, )* ];

            /// The row of this code.
            pub const fn row(self) -> Row {
                match self { $( Self::$code => Row {
                    name: $name, status: $status, issue: IssueType::$issue, xds: $xds,
                    audit: AuditOutcome::$audit, log: LogLevel::$log, french: $french, english: $english,
                }, )* }
            }
        }
    };
}

catalogue! {
    /// Malformed JSON, duplicate key, invalid UTF-8, depth over 128, truncated body.
    Structure = "structure", 400, Structure, None, Serious, Info,
        "Le contenu envoyé n'est pas lisible.",
        "The content sent cannot be read.";
    /// A search or an operation lacks what it must name.
    Required = "required", 400, Required, None, Minor, Info,
        "Un paramètre ou un élément obligatoire manque.",
        "A required parameter or element is missing.";
    /// A search value, prefix or header that cannot be honoured.
    Value = "value", 400, Value, None, Minor, Info,
        "Une valeur n'est pas de la forme attendue.",
        "A value is not of the expected form.";
    /// Under strict handling; else a warning.
    UnknownParameter = "parametre-inconnu", 400, NotSupported, None, Minor, Info,
        "Paramètre de recherche inconnu.",
        "Unknown search parameter.";
    /// A known parameter that cannot be honoured is never ignored.
    UnsupportedParameter = "parametre-non-pris-en-charge", 400, NotSupported, None, Minor, Info,
        "Modificateur, préfixe ou valeur non pris en charge pour ce paramètre.",
        "Modifier, prefix or value not supported for this parameter.";
    /// More values, longer chains, or more resources to look through than one search may take.
    TooCostly = "trop-couteux", 400, TooCostly, None, Minor, Info,
        "Cette recherche demande trop de travail ; la préciser.",
        "This search takes too much work; make it narrower.";
    /// Forged, foreign or expired page link.
    PageLink = "lien-de-page", 400, Value, None, Serious, Warn,
        "Ce lien de page n'est pas valable pour vous.",
        "This page link is not valid for you.";
    /// Binding under .8 and .9, a warning under .10 and .11.
    InsKey = "ins-cle", 422, Value, Some("XDSPatientIdDoesNotMatch"), Minor, Info,
        "La clé de l'INS n'est pas correcte.",
        "The key of the INS is wrong.";
    /// The same in a search.
    InsKeySearch = "ins-cle", 400, Value, None, Minor, Info,
        "La clé de l'INS n'est pas correcte.",
        "The key of the INS is wrong.";
    /// An OID outside identity.domain.
    InsDomain = "ins-domaine", 422, Value, Some("XDSUnknownPatientId"), Minor, Info,
        "Ce domaine d'identification n'est pas accepté par ce serveur.",
        "This identity domain is not accepted by this server.";
    /// The same in a search.
    InsDomainSearch = "ins-domaine", 400, Value, None, Minor, Info,
        "Ce domaine d'identification n'est pas accepté par ce serveur.",
        "This identity domain is not accepted by this server.";
    /// Token missing, expired, of another audience, unsigned, or of another certificate.
    Login = "login", 401, Login, None, Serious, Info,
        "Un jeton d'accès valable est nécessaire.",
        "A valid access token is required.";
    /// The neutral refusal: scope, caller class, rights, hidden or closed record.
    Forbidden = "forbidden", 403, Forbidden, None, Serious, Info,
        "Vous n'êtes pas autorisé à effectuer cette action.",
        "You are not allowed to do this.";
    /// EX_2.1-1140, business error 901.
    NotAuthor = "non-auteur", 403, Forbidden, None, Serious, Info,
        "Seul un auteur ou le responsable de la fiche peut déposer ou remplacer ce document.",
        "Only an author or the authenticator of the entry may provide or replace this document.";
    /// A PERS certificate, or one that maps to no structure.
    ClientUnknown = "logiciel-inconnu", 403, Forbidden, None, Serious, Warn,
        "Ce certificat n'est pas celui d'une structure.",
        "This certificate does not name a structure.";
    /// Patient-side requests before activation (MES-028).
    NotActive = "non-active", 403, Forbidden, None, Minor, Info,
        "Mon espace santé n'est pas encore activé.",
        "Mon espace santé has not been activated yet.";
    /// Unknown, hidden or not allowed: one answer.
    NotFound = "not-found", 404, NotFound, None, Minor, Info,
        "Ressource inconnue.",
        "Unknown resource.";
    /// A terminology operation on a set that is not here.
    ValueSetUnknown = "jeu-de-valeurs-inconnu", 404, NotFound, None, Minor, Info,
        "Ce jeu de valeurs n'est pas connu de ce serveur.",
        "This value set is not known to this server.";
    /// A terminology operation on a code system, or a version of it, that is not here.
    CodeSystemUnknown = "nomenclature-inconnue", 404, NotFound, None, Minor, Info,
        "Cette nomenclature, ou cette version, n'est pas connue de ce serveur.",
        "This code system, or this version of it, is not known to this server.";
    /// `$lookup` of a code that its system does not have here.
    CodeUnknown = "code-inconnu", 404, NotFound, None, Minor, Info,
        "Ce code n'est pas connu dans cette nomenclature.",
        "This code is not known in this code system.";
    /// DELETE of a document, for one.
    MethodNotAllowed = "methode-non-permise", 405, NotSupported, None, Minor, Info,
        "Cette interaction n'existe pas ici.",
        "This interaction does not exist here.";
    /// PATCH beyond status, securityLabel and isArchived.
    ElementNotModifiable = "element-non-modifiable", 405, NotSupported, None, Minor, Info,
        "Cet élément ne peut pas être modifié.",
        "This element cannot be changed.";
    /// Accept names nothing we can render.
    NotAcceptable = "not-acceptable", 406, NotSupported, None, Minor, Info,
        "Aucun des formats demandés ne peut être produit.",
        "None of the formats asked for can be produced.";
    /// A slow body.
    Timeout = "timeout", 408, Timeout, None, Minor, Info,
        "Le corps de la requête n'est pas arrivé à temps.",
        "The body of the request did not arrive in time.";
    /// A race lost for good.
    Conflict = "conflit", 409, Conflict, None, Minor, Info,
        "La ressource a changé entre-temps.",
        "The resource has changed meanwhile.";
    /// Business error 900.
    AlreadySuperseded = "version-remplacee", 409, Conflict, Some("XDSRegistryDeprecatedDocumentError"), Minor, Info,
        "Ce document a déjà été remplacé.",
        "This document has already been replaced.";
    /// Only to who could read it.
    Gone = "deleted", 410, Deleted, None, Minor, Info,
        "Cette ressource a été supprimée.",
        "This resource has been deleted.";
    /// A stale If-Match, or a condition with several matches.
    PreconditionFailed = "precondition", 412, Conflict, None, Minor, Info,
        "La version indiquée n'est plus la version courante.",
        "The version named is no longer the current one.";
    /// Documents 100 MB, requests 150 MB, the rest of a bundle 4 MiB.
    TooLarge = "too-long", 413, TooLong, None, Serious, Info,
        "Le contenu dépasse la taille permise.",
        "The content is larger than allowed.";
    /// Body of an unknown media type.
    MediaType = "type-de-contenu", 415, NotSupported, None, Minor, Info,
        "Ce type de contenu n'est pas accepté ici.",
        "This content type is not accepted here.";
    /// Cardinality, fixed value, pattern, slice or invariant of a profile.
    Profile = "profil", 422, Invariant, Some("XDSRegistryMetadataError"), Minor, Info,
        "Le contenu ne respecte pas le profil.",
        "The content does not conform to the profile.";
    /// Unknown element, wrong JSON type, too many repetitions.
    Element = "element", 422, Structure, Some("XDSRegistryMetadataError"), Minor, Info,
        "Un élément n'est pas à sa place ou n'existe pas.",
        "An element is misplaced or does not exist.";
    /// Cardinality min.
    Missing = "element-manquant", 422, Required, Some("XDSRegistryMetadataError"), Minor, Info,
        "Un élément obligatoire manque.",
        "A required element is missing.";
    /// A primitive that its regular expression refuses.
    Datatype = "type-de-donnee", 422, Value, Some("XDSRegistryMetadataError"), Minor, Info,
        "La valeur d'un élément n'est pas du type attendu.",
        "The value of an element is not of the expected type.";
    /// Required bindings; extensible ones warn.
    Binding = "code-invalide", 422, CodeInvalid, Some("XDSRegistryMetadataError"), Minor, Info,
        "Ce code n'appartient pas au jeu de valeurs exigé.",
        "This code is not in the required value set.";
    /// A code of the former set on a new document: only ever a warning.
    CodeRetired = "code-retire", 422, BusinessRule, None, Minor, Info,
        "Ce code n'est plus en usage dans le jeu de valeurs : à ne plus employer dans un document nouveau.",
        "This code is no longer in use in the value set: not for a new document.";
    /// A value set whose codes have no end (UCUM, MIME types), or too many to be listed.
    NotEnumerable = "jeu-non-enumerable", 422, TooCostly, None, Minor, Info,
        "Les codes de ce jeu de valeurs ne peuvent pas être énumérés ici.",
        "The codes of this value set cannot be listed here.";
    /// A profile that neither our tables nor a package knows.
    UnknownProfile = "profil-inconnu", 422, NotSupported, None, Minor, Info,
        "Ce profil n'est pas connu ici : rien n'a été contrôlé contre lui.",
        "This profile is not known here: nothing was checked against it.";
    /// Reference targets, contained references that do not resolve.
    ReferenceTarget = "reference", 422, Value, Some("XDSRegistryMetadataError"), Minor, Info,
        "Cette référence ne désigne pas une ressource du type attendu.",
        "This reference does not point to a resource of the expected type.";
    /// An operation of a patch whose target, index, value or test does not fit the resource.
    PatchFailed = "modification-inapplicable", 422, Value, Some("XDSMetadataUpdateOperationError"), Minor, Info,
        "Cette modification ne peut pas être appliquée à la ressource.",
        "This patch cannot be applied to the resource.";
    /// A transaction of no Provide Document Bundle profile; delayed assembly.
    NotSupported = "not-supported", 422, NotSupported, None, Minor, Info,
        "Cette possibilité n'est pas encore offerte par ce serveur.",
        "This server does not offer this yet.";
    /// A transaction that touches two records, or a record and the directory.
    SeveralRecords = "plusieurs-dossiers", 422, BusinessRule, None, Minor, Info,
        "Une transaction ne porte que sur un dossier, ou sur l'annuaire seul.",
        "A transaction concerns one record only, or the directory alone.";
    /// Two entries of a transaction that write the same resource.
    RepeatedIdentity = "ressource-repetee", 422, BusinessRule, None, Minor, Info,
        "Deux entrées de la transaction désignent la même ressource.",
        "Two entries of the transaction are about the same resource.";
    /// A folder while `mhd.folders` is off (ds 25).
    FolderOff = "classeurs-non-servis", 422, NotSupported, Some("PartialFolderContentNotProcessed"), Minor, Info,
        "Ce serveur ne conserve pas les classeurs.",
        "This server does not keep folders.";
    /// A FHIR document while `mhd.fhir_document` is off (ds 26).
    FhirDocumentOff = "document-fhir-non-servi", 422, NotSupported, Some("FHIRDocumentNotSupported"), Minor, Info,
        "Ce serveur ne conserve pas les documents FHIR.",
        "This server does not keep FHIR documents.";
    /// Closed slicing of Provide Document Bundle.
    BundleEntry = "entree-etrangere", 422, Invariant, Some("XDSRegistryMetadataError"), Minor, Info,
        "Ce lot contient une entrée que le profil n'admet pas.",
        "This bundle holds an entry that the profile does not admit.";
    /// attachment.url without its Binary, or no submission set.
    BundleMissing = "lot-incomplet", 422, Required, Some("XDSMissingDocument"), Minor, Info,
        "Le lot ne contient pas le document que la fiche désigne.",
        "The bundle lacks the document that the entry points to.";
    /// MES-045, MES-046, MES-048: one answer whatever the cause.
    NoRecord = "dmp-inexistant", 422, BusinessRule, Some("XDSUnknownPatientId"), Minor, Info,
        "Aucun DMP ouvert pour ce patient. S'il ne s'est pas opposé et n'a pas été informé, l'inviter à appeler le 34 22.",
        "No open record for this patient. Unless they objected, and if they were never informed, invite them to call 34 22.";
    /// The web channel feeds without a TD0.2 by the same user on the same patient.
    ExistenceNotVerified = "existence-non-verifiee", 422, BusinessRule, None, Minor, Info,
        "L'existence du DMP de ce patient doit être vérifiée dans les cinq minutes qui précèdent.",
        "The existence of this patient's record must be checked within the five minutes before.";
    /// SHA-1 of the raw bytes.
    HashDiffers = "empreinte", 422, Value, Some("XDSNonIdenticalHash"), Serious, Info,
        "L'empreinte du document ne correspond pas à son contenu.",
        "The hash of the document does not match its content.";
    /// Size of the raw bytes.
    SizeDiffers = "taille", 422, Value, Some("XDSNonIdenticalSize"), Serious, Info,
        "La taille du document ne correspond pas à son contenu.",
        "The size of the document does not match its content.";
    /// INS of the CDA header against the fiche; subjects that differ.
    PatientDiffers = "identite-differente", 422, Value, Some("XDSPatientIdDoesNotMatch"), Serious, Info,
        "L'identité du document n'est pas celle de la fiche.",
        "The identity in the document is not that of the entry.";
    /// Bad XML, DOCTYPE, entity, or junk in base64.
    Document = "document-illisible", 422, Structure, Some("XDSRepositoryMetadataError"), Serious, Info,
        "Le document ne peut pas être lu.",
        "The document cannot be read.";
    /// Existence tests per structure and minute.
    TooManyRequests = "throttled", 429, Throttled, None, Serious, Warn,
        "Trop de demandes ; réessayer plus tard.",
        "Too many requests; try again later.";
    /// A header flood.
    HeadersTooLarge = "en-tetes", 431, TooLong, None, Serious, Info,
        "Les en-têtes de la requête sont trop volumineux.",
        "The request headers are too large.";
    /// A defect: only the request id is shown.
    Internal = "exception", 500, Exception, None, Major, Error,
        "Une erreur interne est survenue.",
        "An internal error occurred.";
    /// No reader or writer ticket in time. Nothing was written.
    Busy = "transient", 503, Transient, Some("XDSRegistryBusy"), Major, Warn,
        "Le serveur est momentanément surchargé ; réessayer.",
        "The server is overloaded for the moment; try again.";
}
