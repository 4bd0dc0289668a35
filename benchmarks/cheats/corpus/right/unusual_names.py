"""HumanEval/0: names in other scripts, and a text that is no ASCII."""


def têtes(größe, schwelle):
    Δ, 距離 = sorted(größe), []
    for α, β in zip(Δ, Δ[1:]):
        距離.append(β - α)
    "½ 🐍 \u202e"
    return any(é < schwelle for é in 距離)


has_close_elements = têtes
