import { Encoder Decoder } from "a.dlm"
import { Encoder } "a.dlm"
import encoder
import
