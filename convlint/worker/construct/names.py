"""What the name of a constructor's argument says about its value."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal[
    "classes", "vocab", "heads", "head_size", "layers", "kernel", "one", "zero", "scale", "rate", "image", "patch",
    "length", "flag", "off", "device", "norm", "activation", "block", "sizes", "counts", "config", "words", "module",
    "weights", "input", "output", "hidden", "channels", "text", "count", "size", "dtype", "pair", "function",
]  # fmt: skip

# The first pattern that fits a name decides. Names are lower case, with `_` between their words.
_PATTERNS: Final[tuple[tuple[Kind, str], ...]] = (
    ("config", r"(args|opts?|options|config|configs|cfg|hparams?|hyper_?params|params|parameters|conf|flags|setting|settings|namespace|hps?|hyp)$|.*_(config|cfg|args|opt|conf|params|hparams)$"),
    ("flag", r"(use|is|with|has|do|return|enable|need|add|learn|share|tie)_.*|bias|qkv_bias|affine|bidirectional|batch_first|residual|causal|bn|batch_?norm|layer_?norm|normalize|concat|concatenate|batchnorm|se|bilinear|relu"),
    ("off", r"pretrained|pretrain|verbose|debug|freeze.*|inplace|deploy|progress|frozen|memory_efficient|.*checkpoint.*|from_pretrained"),
    ("device", r"device|dev|gpu"),
    ("dtype", r"dtype"),
    ("rate", r".*(drop|rate|prob|alpha|momentum|temperature|slope|gamma|beta|eps|epsilon|sigma|std|lambda|ratio|tau|noise|decay|threshold|weight_scale|init_scale|init_value|prior|margin|smoothing).*|p|lr|init_w|mean|var|temp|lam"),
    ("heads", r"(n|num|nb)?_?(attention_|attn_|self_attention_|transformer_)?(heads?)|nhead|num_attention_heads|n_heads?|.*_heads"),
    ("head_size", r"(d_?k|d_?v|d_?q|dim_head|head_dim|dim_heads|d_head|head_size|dim_k|dim_v|dim_key|dim_value|key_dim|value_dim)"),
    ("classes", r".*(class|label|categor|action|n_out|target_size|tagset|tag_size|num_tags|nout$|speaker).*|nc?ls|classes|num_anchors|n_anchors|out_size"),
    ("vocab", r".*(vocab|num_embeddings|n_?tokens?$|ntoken|num_tokens|n_words|num_words|num_users|num_items|n_users|n_items|dictionary_size|dict_size|voc_size|num_char|n_char|n_symbols|num_features_onehot|num_nodes|n_nodes|num_entities|num_relations).*"),
    ("image", r".*(img_size|image_size|im_size|imsize|img_dim|input_resolution|resolution|img_shape_size|image_dim|crop_size|spatial_size|img_h|img_w|image_h|image_w|height|width_px|imgsize|frame_size).*|img_res|res"),
    ("patch", r".*(patch|window|tubelet|sr_ratio).*|ws"),
    ("length", r".*(seq_?len|max_?len|maxlen|block_size|context|n_ctx|max_position|seq_length|num_steps|time_steps|timesteps|max_seq|sequence_length|pred_len|horizon|num_frames|n_frames|num_patches|num_points|seq_size|label_len|num_timesteps|steps).*"),
    ("kernel", r".*(kernel|filter_size|ksize|kern).*|k|ks|k_size|f"),
    ("scale", r".*(scale_factor|upscale|upsample|downsample_factor|factor|reduction|expansion|expand|multiplier|mult|squeeze).*|scale|s|r|t"),
    ("one", r"(stride|strides|dilation|dilations|groups|group|cardinality|padding|pad|rate_dilation|dil|width_mult|growth|num_directions|num_channels_in|output_padding).*"),
    ("counts", r"(layers|num_blocks|block_counts|depths|blocks|nums|num_layers_list|repeats|n_blocks_list|stages|layers_list|num_units)"),
    ("layers", r"(n|num|nb|no)?_?.*(layers?|depth|blocks?|stacks?|stages|levels?|res_blocks|resblocks|iters?|iterations|cells|steps|hops|units_num|flows|encoders|decoders)$|nlayers|n_res.*|l|n|n_layer|num_stacks|n_residual_blocks"),
    ("norm", r".*norm.*"),
    ("activation", r".*(act|activation|nonlinearity|non_linearity|nl).*"),
    ("block", r".*(block|layer_class|cell_class|module_class|conv_class).*|layer|module_type|conv"),
    ("sizes", r".*(_sizes|_dims|filters_list|channel_list|hiddens|widths|features_list|layer_sizes|dims|sizes|shapes|channels_list|hidden_layers|hidden_units|num_channels|filters|planes_list|layer_dims|structure|architecture|arch|units)$|channels_per_layer|out_channels_list|in_channels_list"),
    ("pair", r".*(shape|input_dims|obs_dims|kernel_shape)$"),
    ("words", r".*(word2idx|word_to_ix|vocab|vocabulary|dictionary|tag_to_ix|tag2idx|char2idx|alphabet|w2i|stoi|itos|lang|tokenizer|characters)$"),
    ("weights", r".*(embeddings?|embedding_matrix|weights?|weights_matrix|emb_matrix|word_vectors|pretrained_emb.*|vectors|anchors|prior)$"),
    ("module", r".*(model|net|network|backbone|encoder|decoder|generator|discriminator|extractor|transformer|resnet|vgg|module|critic|actor|attention|submodule|embedding_layer|trunk|stem|fn|head|base|features|embedder|aggregator)$"),
    ("function", r".*(fn|func|function|callback|initializer|loss|criterion)$"),
    ("text", r"(mode|type|name|kind|variant|version|model_type|model_name|arch_name|pool|pooling|norm_type|padding_mode|activation_name|method|rnn_type|cell_type|init_type|loss_type|task|task_name|gan_type|upsample_mode|embed|freq).*|.*_(mode|type|name|method)"),
    ("output", r"(out|output|outp|o|oup|n_output|n_out|num_output|target|tgt|trg)(_.*|$)|.*(out_channels|out_features|out_dim|output_size|out_planes|planes|out_ch|outchannel|outplanes|outputs?)$|.*_out(put)?$|filters|c_out|ch_out|cout|d_out"),
    ("input", r"(in|inp|input|n_input|num_input|inplanes|src|source|obs|state|c_in|ch_in|cin|i)(_.*|$)|.*(in_channels|in_features|in_dim|input_size|in_planes|in_ch|input_dim|inplanes|inchannel|inputs?|state_dim|obs_dim|feat_dim|feature_dim)$|.*_in$|nc|ich"),
    ("channels", r".*(channels?|chans?|planes|ch|ndf|ngf|nf|base_c|width|filters|n_feat|num_feat|n_feats|c|nker|nfilter|growth_rate)$"),
    ("hidden", r".*(hidden|embed|emb|dim|model|size|features?|units|latent|width|d_ff|d_inner|feedforward|mlp|z|code|bottleneck|neurons|nodes|rank).*|d|h|e|nz|nh|nhid|ninp|nfeat|nembed|dh"),
    ("count", r"(n|num|nb|no|number)_.*|.*_(num|count|number)|n[a-z]+"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def kind_of(name: str) -> Kind:
    """The kind of value that an argument of this name usually takes."""
    plain = _CAMEL.sub("_", name).lower().strip("_")
    return next((kind for kind, pattern in _COMPILED if pattern.fullmatch(plain)), "size")
