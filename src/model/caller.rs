//! What is known of who calls, in the words of the rules.

use super::profile::states;

states! {
    /// The class of a caller: one axis of `schemas/rules/gate.csv`.
    CallerClass {
        /// A professional who authenticated himself (DIRECTE).
        ProfessionalDirect = "professional-direct",
        /// A professional vouched for by his structure (INDIRECTE, INDIRECTE_RENFORCEE).
        ProfessionalIndirect = "professional-indirect",
        /// A structure in its own name.
        Structure = "structure",
        /// Assurance maladie, which runs the life cycle.
        AssuranceMaladie = "assurance-maladie",
        /// The patient side, through the portal.
        Patient = "patient",
        /// A referenced service of the catalogue.
        Service = "service",
    }
}

states! {
    /// How the person named by a token was authenticated (`extensions.fr.auth_mode`).
    AuthMode {
        /// By himself, at Pro Santé Connect.
        Direct = "DIRECTE",
        /// By his structure.
        Indirect = "INDIRECTE",
        /// By his structure, reinforced (AIR).
        IndirectReinforced = "INDIRECTE_RENFORCEE",
    }
}

states! {
    /// Purpose of use, TRE_R248-ModeAcces.
    Purpose {
        /// `normal`.
        Normal = "normal",
        /// `bris_de_glace`: a professional in an emergency.
        BreakGlass = "bris_de_glace",
        /// `centre_15`: a regulation physician.
        Regulation = "centre_15",
    }
}

states! {
    /// The acts that rules decide on.
    Action {
        /// TD0.2: does a record exist?
        ExistenceTest = "existence-test",
        /// ITI-65: feed the record.
        ProvideDocument = "provide-document",
        /// TD3.3: change status, labels or archive flag of a document.
        UpdateMetadata = "update-metadata",
        /// ITI-67: list the documents.
        FindDocuments = "find-documents",
        /// Read or vread one fiche or submission set by id.
        ReadDocument = "read-document",
        /// ITI-68: read a document.
        RetrieveDocument = "retrieve-document",
        /// ITI-81 and read of traces.
        ReadAudit = "read-audit",
        /// Read of a Patient by id.
        ReadPatient = "read-patient",
        /// Read or search what is not a document: measures, care circle, answers.
        ReadResource = "read-resource",
        /// Write or delete what is not a document.
        WriteResource = "write-resource",
    }
}
