/** ts-morph's words for what a structure is, by value: structures are built and printed without loading TypeScript. */
import type { StructureKind, VariableDeclarationKind } from 'ts-morph'

export const kind = {
  Function: 13 as StructureKind.Function,
  ImportDeclaration: 16 as StructureKind.ImportDeclaration,
  Interface: 19 as StructureKind.Interface,
  SourceFile: 36 as StructureKind.SourceFile,
  TypeAlias: 38 as StructureKind.TypeAlias,
  VariableStatement: 41 as StructureKind.VariableStatement,
} as const

export const declaration = { Const: 'const' as VariableDeclarationKind.Const } as const
