"""The `chat` API: a question in, an answer with citations out. What others have to keep to is here.

Environment
    KNOWLEDGE_BASE_ID, KNOWLEDGE_TABLE (item `ingestion`), CONVERSATIONS_TABLE, MODEL_ID,
    MEMORY_DAYS, GUARDRAIL_ID and GUARDRAIL_VERSION (both empty: none), EMBEDDING_MODEL_ID,
    EMBEDDING_DIMENSION,
    PROMPTS: JSON object from a name to the ARN of a prompt's version. Names are the techniques, and
        rewrite    turns a follow-up into a question that stands alone ({{history}}, {{question}})
        summary    condenses the older turns of a conversation ({{history}})
        knowledge  the first step of generated_knowledge ({{documents}}, {{question}})
        `rewrite` and `summary` may be missing: the previous question is then searched with the
        follow-up, and what does not fit into the window is forgotten.
    CACHE (off, s3_vectors or valkey), CACHE_INDEX_ARN or CACHE_ENDPOINT (host:port, with
        rediss:// before it for TLS), CACHE_SIMILARITY (least cosine similarity), CACHE_TTL_SECONDS.
        Valkey with IAM: CACHE_USER and CACHE_NAME (of the replication group; of a serverless
        cache with CACHE_KIND=serverless).
    Optional: RERANK_MODEL_ARN; SEARCH_TYPE (HYBRID or SEMANTIC; empty: Bedrock decides);
    RETRIEVED_CHUNKS (5); LEAST_SCORE (chunks of a lower score are not shown to the model; without
    any the documents do not answer); TENANT_CLAIM (the token's claim that names the tenant,
    `tenant`); TENANT_METADATA_KEY (set: every search is limited to documents whose metadata has the
    tenant under this key); TENANT_CALLERS (comma-separated ARNs of callers, or beginnings that end
    in `/`, that may name a tenant in the request); INPUT_PRICE and OUTPUT_PRICE (USD per million
    tokens, for the cost metric).

Prompts
    A prompt is a TEXT or CHAT prompt of Bedrock with one variant. Its variables are put in once, so
    a document that contains {{question}} changes nothing. Variables, each optional:
        {{question}}   the question, escaped; guarded as the query, as much of it as grounding takes
        {{documents}}  <document index="1" source="s3://...">text</document>, one per chunk, with
                       `&`, `<` and `>` of the text escaped; as many as grounding takes, and guarded
                       as the grounding source. A prompt without it is asked without a search, and
                       held to no citations.
        {{history}}    <turn><user>..</user><assistant>..</assistant></turn>, oldest first, after
                       <summary>..</summary> when there is one; escaped
        {{knowledge}}  what `knowledge` gave, escaped
    maxTokens, temperature, topP and stopSequences of the variant are used.

What a model has to write
    - A citation is the index of a document in square brackets after the sentence that it supports:
      [1], or [1][3], or [1, 3].
    - NOT_IN_DOCUMENTS, and nothing else, when the documents do not answer the question.
    - chain_of_thought and self_consistency: reasoning, then a line that begins with `Answer:`.
      Only what follows it is shown.
    - react: one of these lines at the end of each message, then nothing:
          Action: search: <what to look for>
          Action: calculate: <an arithmetic expression>
          Answer: <the answer, with citations>
      The result comes as <observation>...</observation>, documents in it as above; their indexes go
      on from those before.

Tables
    CONVERSATIONS_TABLE: partition key `conversation`, sort key `turn`, both strings; time to live
    on `expires_at`. A turn (`turn` is its number as eight digits) has `question`, `answer`,
    `asked_at`; the item `#summary` has `text` and `through`, the last turn that is in it.

    The index of the cache on S3 Vectors: float32, cosine, EMBEDDING_DIMENSION; `entry` is its
    non-filterable metadata key, `scope` and `expires_at` are filtered on. On Valkey the function
    makes the index itself, and needs FT.CREATE, FT.SEARCH, HSET, HGETALL and EXPIRE on keys
    `answer:*`.

Answer of POST /chat
    {"answer", "citations": [{"text", "source", "chunk", "quote"}], "conversation_id", "technique",
     "cached", "answered", "grounded", "withheld", "stopped_by_guardrail",
     "usage": {"input_tokens", "output_tokens"}, "latency_ms"}
    `answered` is false for "the documents do not answer this". `[1]` in the answer is the first of
    the citations. `grounded` says that the answer was held to documents: each of its sentences has
    a citation whose chunk has most of the sentence's words and all of its numbers, links and code,
    or says nothing that could be checked (chat/citations.py); others were withheld, `withheld` of
    them, and `…` stands where they were. It does not say that a sentence follows from its chunk,
    nor that the chunk is true. It is false when the prompt has no documents, and nothing was
    checked.

Events of the stream, in this order
    token      {"text"}: the next sentences, checked; none before the first supported citation.
               Without documents: the next words, as the guardrail lets them pass
    citations  {"citations"}
    done       the answer of POST /chat. What it says replaces what was shown before: a guardrail
               may stop an answer at its end.
    error      a problem document, instead of what would have come
"""
