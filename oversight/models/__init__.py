"""Language models behind one small interface, in process or behind an API.

Start with `model`: the contract, generate and score, many requests at once. A spec such as
`tiny:1` names a back end in `oversight.registry`; `oversight.speakers` seats it, and the agents and
judges that speak through it are in `oversight.agents.chat` and `oversight.judges.language`.

In process: `loading` (`hf`, `gguf`), `smollm2` and `tiny` make a network and its tokenizer; `local`
is the model around them: `tokens` turns prompts into tokens, `reading` computes those in batches on
top of the `prefixes` that are kept, `decoding` draws replies.

Behind a network: `remote` asks many things at once on the process's one `loop`. `inspect_ai` leaves
the rest to Inspect; `openai_api` puts it in the words of `openai_wire`, and `openai_client` posts
them, `retrying` what may pass. `chat_interface` makes up for what either cannot say.

From a file: `scripted`.

Around any of them (`oversight.accounts` puts them on): `cache` keeps replies, `budget` holds a run
to its limit, `ledger` counts calls and prices them; `database` is the file of cache and ledger.
"""
