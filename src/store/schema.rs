//! The tables as diesel sees them, for both back ends; `migrations/` makes them and a test compares both.

diesel::table! {
    profile (pt) {
        pt -> BigInt,
        space -> Text,
        record -> Text,
        ins_system -> Text,
        ins_value -> Text,
        family -> Text,
        given -> Text,
        all_given -> Text,
        gender -> Text,
        birth_on -> Nullable<Text>,
        birth_place -> Text,
        activation_email -> Nullable<Text>,
        assurance_maladie_email -> Nullable<Text>,
        postal_address -> Nullable<Text>,
        informed_on -> Nullable<Text>,
        closed_on -> Nullable<Text>,
        closure_motive -> Nullable<Text>,
        closure_reason -> Nullable<Text>,
        closure_author -> Nullable<Text>,
        version -> Integer,
        updated_at -> BigInt,
    }
}

diesel::table! {
    patient_identifier (system, value) {
        system -> Text,
        value -> Text,
        pt -> BigInt,
    }
}

diesel::table! {
    relation (pt, professional, kind, from_at) {
        pt -> BigInt,
        professional -> Text,
        kind -> Text,
        from_at -> BigInt,
        until_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    delegation (pt, delegate, kind, from_at) {
        pt -> BigInt,
        delegate -> BigInt,
        kind -> Text,
        from_at -> BigInt,
        until_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    resource (pt, kind, id) {
        pt -> BigInt,
        kind -> SmallInt,
        id -> Binary,
        version -> Integer,
        updated_at -> BigInt,
        is_deleted -> Bool,
        body -> Binary,
    }
}

diesel::table! {
    resource_history (pt, kind, id, version) {
        pt -> BigInt,
        kind -> SmallInt,
        id -> Binary,
        version -> Integer,
        updated_at -> BigInt,
        body -> Binary,
    }
}

diesel::table! {
    search_index (pt, kind, parameter, value, low, high, id) {
        pt -> BigInt,
        kind -> SmallInt,
        parameter -> Integer,
        value -> Text,
        low -> BigInt,
        high -> BigInt,
        id -> Binary,
    }
}

diesel::table! {
    document (pt, id) {
        pt -> BigInt,
        id -> Binary,
        binary_id -> Binary,
        submission -> Binary,
        unique_id -> Binary,
        status -> Text,
        type_code -> Text,
        labels -> Text,
        persons -> Text,
        structures -> Text,
        sha1 -> Binary,
        size -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    document_identifier (digest, pt) {
        digest -> Binary,
        pt -> BigInt,
        id -> Binary,
    }
}

diesel::table! {
    blob (pt, id) {
        pt -> BigInt,
        id -> Binary,
        content_type -> Text,
        size -> BigInt,
        sha1 -> Binary,
        sha256 -> Binary,
        wrapped_key -> Binary,
        content -> Nullable<Binary>,
        origin -> Nullable<Binary>,
    }
}

diesel::table! {
    first_access (pt, accessor) {
        pt -> BigInt,
        accessor -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    outbox (pt, id) {
        pt -> BigInt,
        id -> Binary,
        event_id -> Binary,
        event -> Text,
        channel -> Text,
        state -> Text,
        created_at -> BigInt,
        attempts -> Integer,
        next_at -> BigInt,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_chain (pt) {
        pt -> BigInt,
        sequence -> BigInt,
        head -> Binary,
        sealed -> BigInt,
    }
}

diesel::table! {
    audit (pt, sequence) {
        pt -> BigInt,
        sequence -> BigInt,
        id -> Binary,
        at -> BigInt,
        act -> Text,
        actor_person -> Nullable<Text>,
        actor_structure -> Nullable<Text>,
        body -> Binary,
        previous -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
    audit_unsealed (pt) {
        pt -> BigInt,
    }
}

diesel::table! {
    audit_seal (id) {
        id -> BigInt,
        sealed_at -> BigInt,
        payload -> Text,
        signature -> Binary,
    }
}

diesel::table! {
    structure (id) {
        id -> Text,
        name -> Text,
        sector -> Text,
    }
}

diesel::table! {
    professional (id) {
        id -> Text,
        family -> Text,
        given -> Text,
        profession -> Text,
        speciality -> Nullable<Text>,
        may_regulate -> Bool,
    }
}

diesel::table! {
    exercise (professional, structure, situation) {
        professional -> Text,
        structure -> Text,
        situation -> Text,
    }
}

diesel::table! {
    client (id) {
        id -> Text,
        structure -> Text,
        subject_dn -> Nullable<Text>,
        fingerprint -> Nullable<Text>,
        name -> Text,
        version -> Text,
        homologation -> Nullable<Text>,
        profiles -> Text,
        scopes -> Text,
        suspended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    existence_step (person, patient) {
        person -> Text,
        patient -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    assertion_used (structure, jti) {
        structure -> Text,
        jti -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    setting (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit_chain, audit_unsealed);
diesel::allow_tables_to_appear_in_same_query!(resource, search_index);
diesel::allow_tables_to_appear_in_same_query!(exercise, professional, structure);
